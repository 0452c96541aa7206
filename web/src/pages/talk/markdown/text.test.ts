import type { Nodes } from "mdast";
import { describe, expect, it } from "vitest";
import { blocksOf, definitionsOf, GrowingBlocks, LARGEST_BLOCK } from "./blocks";
import { withMath } from "./mathText";
import { notesOf, partedAtNotes } from "./notes";
import { treeOf } from "./parse";
import { settled } from "./settle";

const SAMPLE = `# What the week costs

About **€2,214** for the *four* of you, against \`2400\` with the [small car](https://example.org/car) you priced.
A second line with ~~an error~~ and **bold *and slanted* words**.

1. First, the flat
2. Then **the tram**:
   - a pass is \`17.50\`
   - Lotte rides free

- [ ] book
- [x] ask Mieke

| Flat | Week, € | Flights |
|:-----|--------:|---------|
| Estrela | 980 | 1 |
| Graça | **890** | 2 |

> The surgeon said one flight at most,
> no hills.

\`\`\`python
def cost(days):
    # **not bold**

    return days * 17.5
\`\`\`

The sum is $a^2 + b^2 = c^2$, and:

$$
\\int_0^1 x\\,dx
$$

它在**一层，**而外婆最多爬一层楼。
`;

function words(node: Nodes): string {
  if ("value" in node) return node.value;
  if ("children" in node) return (node.children as Nodes[]).map(words).join(node.type === "root" || node.type === "list" || node.type === "table" ? "\n" : node.type === "tableRow" ? "\t" : "");
  return "";
}
const read = new Map<string, string>(); // blocks that were read, as the page keeps them
const wordsOf = (raw: string): string => {
  const had = read.get(raw);
  if (had !== undefined) return had;
  const now = words(treeOf(raw));
  read.set(raw, now);
  return now;
};
const shown = (text: string, arriving: boolean): string => {
  const blocks = blocksOf(text);
  return blocks
    .map((block, index) => {
      if (block.kind === "code") return block.code;
      if (block.kind === "math") return block.open ? "" : `∫${block.tex}`;
      return wordsOf(block.kind === "text" && arriving && index === blocks.length - 1 ? settled(block.raw) : block.raw);
    })
    .join("\n")
    .replace(/\s+/g, "");
};

describe("blocks", () => {
  it("part a text where its top level does", () => {
    expect(blocksOf(SAMPLE).map((block) => block.kind)).toEqual(["text", "text", "text", "text", "text", "code", "text", "math", "text"]);
  });
  it("keep lists together over blank lines, and what is under their items", () => {
    expect(blocksOf("- a\n\n  more of a\n\n- b\n\n```\nx\n```\nafter").map((block) => block.kind)).toEqual(["text", "code", "text"]);
    expect(blocksOf("1. a\n\n   ```js\n   x\n\n   y\n   ```\n2. b")).toHaveLength(1);
  });
  it("take a fence as code until its own end", () => {
    const [first, second] = blocksOf("````md\n```js\nx\n```\n````\nend");
    expect(first).toEqual({ kind: "code", language: "md", code: "```js\nx\n```", open: false });
    expect(second).toEqual({ kind: "text", raw: "end" });
    expect(blocksOf("```js\nhalf")[0]).toMatchObject({ open: true, code: "half" });
  });
  it("read maths that has lines of its own", () => {
    expect(blocksOf("\\[\nx\n\\]\n\n$$y$$")).toEqual([
      { kind: "math", tex: "x", open: false },
      { kind: "math", tex: "y", open: false },
    ]);
  });
  it("never hand a huge block to the reader", () => {
    const blocks = blocksOf("x".repeat(LARGEST_BLOCK * 3));
    expect(blocks.every((block) => block.kind === "plain")).toBe(true);
    expect(blocks).toHaveLength(3);
  });
  it("give the same for a text that grows as for the whole, and keep what is settled", () => {
    const growing = new GrowingBlocks();
    let before = growing.of("");
    let keptOnce = false;
    for (let end = 1; end <= SAMPLE.length; end += 3) {
      const now = growing.of(SAMPLE.slice(0, end));
      expect(now, SAMPLE.slice(0, end)).toEqual(blocksOf(SAMPLE.slice(0, end)));
      if (before.length > 2 && now[0] === before[0]) keptOnce = true;
      before = now;
    }
    expect(keptOnce).toBe(true);
    expect(growing.of("something else")).toEqual(blocksOf("something else"));
  });
});

describe("half-arrived markdown", () => {
  it("shows no letter that is not in the whole, and takes none back, at any moment", () => {
    const whole = shown(SAMPLE, false);
    let before = "";
    for (let end = 1; end <= SAMPLE.length; end += 1) {
      const now = shown(SAMPLE.slice(0, end), true);
      const at = JSON.stringify(SAMPLE.slice(Math.max(0, end - 30), end));
      expect(whole.startsWith(now), `after ${at}: ${JSON.stringify(now.slice(-40))}`).toBe(true);
      expect(now.length, at).toBeGreaterThanOrEqual(before.length);
      before = now;
    }
  }, 60_000);
  it("closes what has no end yet", () => {
    expect(settled("a **b")).toBe("a **b**");
    expect(settled("a **b *c")).toBe("a **b *c***");
    expect(settled("a `b")).toBe("a `b`");
    expect(settled("a **")).toBe("a");
    expect(settled("see [the page](https://exa")).toBe("see the page");
    expect(settled("snake_case and 2*3")).toBe("snake_case and 2*3");
    expect(settled("text\n-")).toBe("text");
    expect(settled("| a | b |")).toBe("| a | b |\n| - | - |");
  });
});

describe("footnotes", () => {
  const SAID = "Oak moves.[^1] Brass does not.[^b] `[^1]` is code, [^none] is nothing.\n\n[^b]: A metal.\n\n    In two parts.\n[^1]: A *wood*.\n\nAfter.";
  it("are told apart from the text around them", () => {
    expect(blocksOf(SAID).map((block) => block.kind)).toEqual(["text", "note", "note", "text"]);
    expect(blocksOf(SAID)[1]).toEqual({ kind: "note", label: "b", raw: "A metal.\n\nIn two parts." });
    expect(definitionsOf("[^1]: word\n[a]: https://example.org")).toBe("[a]: https://example.org");
    expect(blocksOf("- a\n\n  [^1]: under it").map((block) => block.kind)).toEqual(["text"]);
  });
  it("are numbered as they are referred to; a mark without its note stays what it is", () => {
    const notes = notesOf(blocksOf(SAID), false);
    expect(notes.order).toEqual(["1", "b"]);
    expect(partedAtNotes("x[^b][^none]y", notes)).toEqual(["x", { number: 2, label: "b" }, "[^none]y"]);
    expect(notesOf(blocksOf("[^a-z] is a class, [^2] too"), false).order).toEqual([]);
    expect(notesOf(blocksOf("[^a-z] is a class, so.[^2]"), true).order).toEqual(["2"]);
  });
  it("don't flicker while they arrive", () => {
    expect(settled("Oak.[^1")).toBe("Oak.");
    expect(settled("Oak.[^1]")).toBe("Oak.[^1]");
    expect(settled("Oak.\n[^1]")).toBe("Oak.");
    const growing = new GrowingBlocks();
    for (let end = 1; end <= SAID.length; end += 1) expect(growing.of(SAID.slice(0, end))).toEqual(blocksOf(SAID.slice(0, end)));
  });
});

describe("dollars", () => {
  it("are maths or money", () => {
    expect(withMath("$x$ costs $5 to $10.")).toBe("$x$ costs \\$5 to \\$10.");
    expect(withMath("\\(a\\) and `$b$` and \\[c\\]")).toBe("$a$ and `$b$` and $$c$$");
    expect(withMath("US$ 5, $ 6")).toBe("US\\$ 5, \\$ 6");
  });
});

describe("the tree", () => {
  it("has no HTML in it, whatever the text says", () => {
    const kinds = new Set<string>();
    const walk = (node: Nodes) => {
      kinds.add(node.type);
      if ("children" in node) (node.children as Nodes[]).forEach(walk);
    };
    walk(treeOf("<script>alert(1)</script>\n\n<b>x</b> <!-- y --> <img src=x onerror=alert(1)>"));
    expect(kinds.has("html")).toBe(false);
    expect(words(treeOf("<b>x</b>"))).toBe("<b>x</b>");
  });
  it("reads what a hostile text is made to choke on, in time", () => {
    for (const bomb of [">".repeat(5000), "[".repeat(8000), "*a **a ".repeat(2500), "`".repeat(9000) + "x", "- ".repeat(3000), "![".repeat(5000), "_".repeat(9000), "|".repeat(5000) + "\n" + "|-".repeat(5000)]) {
      const began = performance.now();
      treeOf(bomb.slice(0, LARGEST_BLOCK));
      expect(performance.now() - began, bomb.slice(0, 8)).toBeLessThan(8_000);
    }
  }, 60_000);
});
