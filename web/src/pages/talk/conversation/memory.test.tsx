// @vitest-environment happy-dom
import { asked, called, drawn, eventually, leave, press, type Asked } from "../../../testing/page";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { recallingOf, type Recalled, type Told, type ToldPiece } from "../../../api/memory";
import type { Message } from "../../../api/talk";
import { Foot } from "./Foot";
import { Head } from "./Head";
import { READ_ONLY, type Acts } from "./Message";
import { memoryIn, rangesIn } from "./toldMarks";

const FERRY = "The ferry to Tinos leaves at 07:25 from Rafina.";
const PIECE: ToldPiece = {
  id: "msg_1",
  conversation: "conv_1",
  title: "Ferries",
  created_at: 1_700_000_000,
  why: ["words", "name"],
  messages: [
    { id: "msg_1", role: "user", created_at: 1_700_000_000, text: FERRY },
    { id: "msg_2", role: "assistant", created_at: 1_700_000_001, text: "Noted: **07:25**." },
  ],
  gone: false,
};
const GONE: ToldPiece = { ...PIECE, id: "msg_9", title: null, messages: [], gone: true };
const TOLD: Told = {
  model: "m",
  messages: [
    { role: "system", text: `What was said before:\n- ${FERRY}\n- Noted: **07:25**.` },
    { role: "user", text: "When does the ferry to Tinos leave?" },
  ],
  left_out: 3,
  memory: [PIECE, GONE],
};
const given = (...pieces: ToldPiece[]): Recalled => ({ given: pieces.map(({ id, conversation, why }) => ({ id, conversation, messages: [id], why })), without: [], off: null });

const answerWith = (memory: Recalled | null | undefined): Message => ({
  id: "msg_a",
  conversation: "conv_2",
  parent: "msg_q",
  role: "assistant",
  created_at: 1_700_000_100,
  status: "completed",
  text: "At 07:25.",
  reasoning: null,
  attachments: [],
  tools: [],
  model: "m",
  route: null,
  usage: { input_tokens: 5, output_tokens: 7 },
  cost_nano_usd: 1000,
  duration_ms: 900,
  first_token_ms: null,
  error: null,
  call: null,
  versions: { index: 1, count: 1, previous: null, next: null },
  ...(memory === undefined ? {} : { memory }),
});

const retry = vi.fn();
const MINE: Acts = { ...READ_ONLY, mine: true, retry };
const foot = (memory: Recalled | null | undefined, acts = MINE) => (
  <div className="scroll" tabIndex={0}>
    <Foot message={answerWith(memory)} acts={acts} />
  </div>
);
const server = ({ path }: Asked): unknown => (path.endsWith("/told") ? TOLD : {});
const chip = () => document.querySelector<HTMLButtonElement>("button[data-memory]");
const panel = () => document.querySelector<HTMLElement>(".remembered");

async function opened(memory: Recalled, how = server): Promise<HTMLElement> {
  await drawn(foot(memory), how);
  await eventually(() => expect(chip()).toBeTruthy());
  chip()?.click();
  return eventually(() => {
    const found = panel();
    if (!found) throw new Error("it did not open");
    return found;
  });
}

beforeEach(() => localStorage.clear());
afterEach(() => {
  leave();
  retry.mockReset();
});

describe("an answer's memory", () => {
  it("is a quiet word in its foot, which opens what was said, where, when and why it was found", async () => {
    const found = await opened(given(PIECE, GONE));
    expect(chip()?.textContent).toBe("2 memories");
    expect(chip()?.getAttribute("aria-expanded")).toBe("true");
    expect(chip()?.getAttribute("aria-controls")).toBe(found.id);
    await eventually(() => expect(found.textContent).toContain(FERRY));
    expect(asked.map((one) => one.path)).toEqual(["/v1/conversations/conv_2/messages/msg_a/told"]);
    expect(called("a", "Ferries", found).getAttribute("href")).toBe("/talk/conv_1?at=msg_1");
    expect(found.textContent).toContain("Found by words, name");
    expect(found.textContent).toContain("Noted: 07:25."); // without its markdown
    expect(found.querySelector("time")?.getAttribute("datetime")).toBe("2023-11-14T22:13:20.000Z");
  });
  it("has nothing to open or to leave out of what was erased since", async () => {
    const found = await opened(given(PIECE, GONE));
    await eventually(() => expect(found.textContent).toContain("Erased since. Nothing of its words is left."));
    expect(found.querySelectorAll("li a")).toHaveLength(1);
    expect(found.querySelectorAll("input[type=checkbox]")).toHaveLength(1);
  });
  it("is left out as it was chosen, with what was left out before", async () => {
    const found = await opened({ ...given(PIECE), without: ["msg_old"] });
    expect(chip()?.textContent).toBe("one memory, one left out");
    const again = called<HTMLButtonElement>("button", "Ask again without these", found);
    expect(again.disabled).toBe(true);
    expect(found.textContent).toContain("Tick what to leave out.");
    await eventually(() => called("input", /^Leave it out: Ferries, /, found));
    called("input", /^Leave it out: Ferries, /, found).click();
    await eventually(() => expect(again.disabled).toBe(false));
    again.click();
    expect(retry).toHaveBeenCalledWith(expect.objectContaining({ id: "msg_a" }), undefined, { without: ["msg_old", "msg_1"] });
    expect(document.activeElement?.className).toBe("scroll");
    called("button", "Ask again with what was left out", found).click();
    expect(retry).toHaveBeenLastCalledWith(expect.anything(), undefined, {});
    called("button", "Ask again without memory", found).click();
    expect(retry).toHaveBeenLastCalledWith(expect.anything(), undefined, { memory: false });
  });
  it("closes by Escape and gives the focus back", async () => {
    const found = await opened(given(PIECE));
    const heard = vi.fn();
    addEventListener("keydown", heard);
    press(found, "Escape");
    await eventually(() => expect(panel()).toBeNull());
    removeEventListener("keydown", heard);
    expect(heard).not.toHaveBeenCalled(); // it stops no answer
    expect(document.activeElement).toBe(chip());
  });
  it("says what went wrong, and is asked for again", async () => {
    let broken = true;
    const found = await opened(given(PIECE), (one) => {
      if (broken && one.path.endsWith("/told")) throw [500, "internal_error"];
      return server(one);
    });
    await eventually(() => expect(found.querySelector("[role=alert]")?.textContent).toContain("it is our fault"));
    broken = false;
    called("button", "Try again", found).click();
    await eventually(() => expect(found.textContent).toContain(FERRY));
  });
  it("that was not wanted is said, and can be had again", async () => {
    const found = await opened({ given: [], without: [], off: "asked" });
    expect(chip()?.textContent).toBe("without memory");
    expect(found.textContent).toContain("Made without memory, as you asked.");
    called("button", "Ask again with memory", found).click();
    expect(retry).toHaveBeenCalledWith(expect.anything(), undefined, {});
    expect(asked).toEqual([]);
  });
  it("is not spoken of where there is none, or to somebody else", async () => {
    const none: (Recalled | null | undefined)[] = [undefined, null, { given: [], without: [], off: null }];
    for (const off of ["settings", "shared", "conversation", "server"] as const) none.push({ given: [], without: [], off });
    for (const memory of none) {
      await drawn(foot(memory), server);
      await eventually(() => called("button", "What it was told"));
      expect(chip(), JSON.stringify(memory)).toBeNull();
    }
    const place = await drawn(foot(given(PIECE), READ_ONLY), server);
    await eventually(() => called("button", "Copy"));
    expect(chip()).toBeNull();
    expect(place.textContent).not.toContain("What it was told");
  });
  it("is told in Chinese", async () => {
    localStorage.setItem("steward.language", "zh");
    const found = await opened(given(PIECE));
    expect(chip()?.textContent).toBe("用到 1 条记忆");
    await eventually(() => expect(found.textContent).toContain("依据：字词，人名"));
    expect(called("input", /^略去这条：Ferries，/, found)).toBeTruthy();
    called("button", "不用这些，再问一次", found);
  });
  it("holds for a later try, unless that says otherwise", () => {
    expect(recallingOf(undefined)).toEqual({});
    expect(recallingOf({ given: [], without: ["msg_1"], off: null })).toEqual({ without: ["msg_1"] });
    expect(recallingOf({ given: [], without: [], off: "asked" })).toEqual({ memory: false });
    expect(recallingOf({ given: [], without: [], off: "settings" })).toEqual({});
  });
});

describe("what the model was told", () => {
  async function sheet(memory: Recalled | null, how = server): Promise<HTMLElement> {
    await drawn(foot(memory), how);
    await eventually(() => called("button", "What it was told").click());
    return eventually(() => {
      const found = document.querySelector<HTMLElement>("[role=dialog]");
      if (!found) throw new Error("no dialog");
      return found;
    });
  }
  it("is shown by who says it, with what came from memory marked", async () => {
    const found = await sheet(given(PIECE, GONE));
    await eventually(() => expect(found.querySelectorAll(".toldlist li")).toHaveLength(2));
    expect([...found.querySelectorAll("h3")].map((one) => one.textContent?.trim())).toEqual(["Instructions with memory", "You"]);
    expect([...found.querySelectorAll("mark")].map((one) => one.textContent)).toEqual([FERRY, "Noted: **07:25**."]);
    expect(found.querySelector("pre")?.textContent).toBe(TOLD.messages[0]?.text);
    expect(found.textContent).toContain("3 earlier messages did not fit and were left out");
    expect(found.textContent).toContain("One memory that it was given was erased since");
  });
  it("is taken along whole", async () => {
    const write = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    const found = await sheet(given(PIECE));
    await eventually(() => called("button", "Copy", found).click());
    expect(write).toHaveBeenCalledWith(`system:\n${TOLD.messages[0]?.text}\n\nuser:\n${TOLD.messages[1]?.text}`);
  });
  it("says why an answer had no memory", async () => {
    for (const [off, words] of [
      ["settings", "No memory: you have it switched off."],
      ["shared", "No memory: this conversation is shared."],
      ["conversation", "No memory: this conversation leaves no trace in it."],
    ] as const)
      expect((await sheet({ given: [], without: [], off })).textContent).toContain(words);
    expect((await sheet({ given: [], without: [], off: null })).textContent).toContain("nothing fitted");
    expect((await sheet(null)).textContent).not.toContain("memory:");
  });
  it("shows a long one by its ends first", async () => {
    const messages = Array.from({ length: 60 }, (_, i) => ({ role: i % 2 ? ("assistant" as const) : ("user" as const), text: `said ${i}` }));
    const found = await sheet(null, () => ({ ...TOLD, messages, memory: [] }));
    await eventually(() => called("button", "Show 38 messages in between", found));
    expect(found.querySelectorAll("pre")).toHaveLength(22);
    called("button", "Show 38 messages in between", found).click();
    await eventually(() => expect(found.querySelectorAll("pre")).toHaveLength(60));
  });
  it("has faces for nothing left and for what is not to be seen", async () => {
    const empty = await sheet(null, () => ({ ...TOLD, messages: [], memory: [] }));
    await eventually(() => expect(empty.textContent).toContain("Nothing is left of it"));
    const missing = await sheet(null, () => {
      throw [404, "not_found"];
    });
    await eventually(() => expect(missing.querySelector("[role=alert]")?.textContent).toContain("There is no such thing for you"));
  });
});

describe("the places of memory in a text", () => {
  it("are the words of the pieces, or what is left of them line by line, apart and in order", () => {
    const piece = (text: string): ToldPiece => ({ ...PIECE, messages: [{ id: "m", role: "user", created_at: 1, text }] });
    expect(rangesIn("a: blue boat. b: red boat.", [piece("red boat."), piece("blue boat.")])).toEqual([[3, 13], [17, 26]]);
    expect(rangesIn("> first line\n> second line", [piece("first line\nsecond line\nno")])).toEqual([[2, 12], [15, 26]]);
    expect(rangesIn("nothing of it", [piece("red boat")])).toEqual([]);
    expect(rangesIn("red red", [piece("red"), piece("red")])).toEqual([[0, 3], [4, 7]]);
  });
  it("lie in the message that holds the most of it, and never in an answer", () => {
    const messages = [
      { role: "user" as const, text: FERRY },
      { role: "assistant" as const, text: `${FERRY} Noted: **07:25**. ${FERRY}` },
      { role: "user" as const, text: `${FERRY} Noted: **07:25**. And?` },
    ];
    expect(memoryIn({ messages, memory: [PIECE] })?.index).toBe(2);
    expect(memoryIn({ messages, memory: [] })).toBeUndefined();
  });
});

describe("a conversation without a trace", () => {
  const props = { id: "conv_3", conversation: undefined, beside: undefined, onBeside: () => undefined };
  it("says so in its head, with the reason as its description", async () => {
    const place = await drawn(<Head {...props} forgets />);
    const mark = await eventually(() => called("button", "Not remembered", place));
    expect(document.getElementById(mark.getAttribute("aria-describedby") ?? "")?.textContent).toContain("Nothing said here is remembered");
    press(mark, "Escape");
    await eventually(() => expect(place.querySelector(".tipped")?.hasAttribute("data-away")).toBe(true));
  });
  it("is not said of any other", async () => {
    const place = await drawn(<Head {...props} forgets={false} />);
    await eventually(() => expect(place.querySelector("h1")).toBeTruthy());
    expect(place.textContent).not.toContain("Not remembered");
  });
});
