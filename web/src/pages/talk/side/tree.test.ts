import { describe, expect, it } from "vitest";
import type { TreeNode } from "../../../api/talk";
import { markedParts } from "../list/marked";
import { runsOf, waysOf } from "./tree";

let clock = 0;
const node = (id: string, parent: string | null, more: Partial<TreeNode> = {}): TreeNode => ({ id, parent, role: "user", created_at: (clock += 1), preview: id, model: null, status: "completed", ...more });

describe("branches", () => {
  const all = [node("a", null), node("b", "a", { role: "assistant", model: "m1" }), node("c", "b"), node("d", "c"), node("c2", "b"), node("c3", "b"), node("e", "c3")];
  it("are runs of messages, and where they part", () => {
    const [root] = runsOf(all, "e");
    expect(root).toMatchObject({ id: "a", count: 2, model: "m1", here: true, end: false });
    expect(root?.runs.map((run) => [run.id, run.count, run.index, run.siblings, run.here, run.end])).toEqual([
      ["c", 2, 1, 3, false, false],
      ["c2", 1, 2, 3, false, false],
      ["c3", 2, 3, 3, true, true],
    ]);
    expect(waysOf(runsOf(all, "e"))).toBe(3);
  });
  it("hold what hangs nowhere, and a circle", () => {
    expect(runsOf([node("x", "gone"), node("y", null)], null).map((run) => run.id)).toEqual(["x", "y"]);
    expect(runsOf([node("p", "q"), node("q", "p")], "p")).toEqual([]);
  });
  it("nest five thousand deep", () => {
    const deep: TreeNode[] = [node("n0", null)];
    for (let i = 1; i < 5000; i += 1) deep.push(node(`n${i}`, `n${i - 1}`), node(`o${i}`, `n${i - 1}`));
    expect(waysOf(runsOf(deep, "n4999"))).toBe(5000);
  });
});

describe("marks of a find", () => {
  it("part the text, and leave out what lies wrong", () => {
    expect(markedParts("oak and brass", [[0, 3], [8, 13]])).toEqual([
      { text: "oak", marked: true },
      { text: " and ", marked: false },
      { text: "brass", marked: true },
    ]);
    expect(markedParts("oak", [[1, 9], [2, 1]])).toEqual([{ text: "oak", marked: false }]);
  });
});
