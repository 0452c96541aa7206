import { describe, expect, it } from "vitest";
import type { Message, Page } from "../../../api/talk";
import { Growing, withPiece } from "./growing";
import { joined, Thread } from "./thread";
import { FIRST } from "./ahead";
import { beside, goneModel, lastOwn, movedByKeys } from "./versions";

const message = (id: string, more: Partial<Message> = {}): Message => ({
  id,
  conversation: "conv_1",
  parent: null,
  role: "user",
  created_at: 1,
  status: "completed",
  text: id,
  reasoning: null,
  attachments: [],
  tools: [],
  model: null,
  route: null,
  usage: null,
  cost_nano_usd: null,
  duration_ms: null,
  first_token_ms: null,
  error: null,
  call: null,
  versions: { index: 1, count: 1, previous: null, next: null },
  ...more,
});
const chain = (count: number): Message[] => Array.from({ length: count }, (_, i) => message(`msg_${i}`, { parent: i ? `msg_${i - 1}` : null, role: i % 2 ? "assistant" : "user" }));

/** Windows of a path, as the server gives them. */
class Path {
  asked = 0;
  constructor(public all: Message[]) {}
  messages = async (_: string, where: { at?: string | undefined; before?: string | undefined; after?: string | undefined; limit: number }): Promise<Page<Message>> => {
    this.asked += 1;
    const index = (id: string) => this.all.findIndex((one) => one.id === id);
    if (where.after) {
      const from = index(where.after) + 1;
      return { data: this.all.slice(from, from + where.limit), has_more: from + where.limit < this.all.length };
    }
    const end = where.before ? index(where.before) : this.all.length;
    return { data: this.all.slice(Math.max(0, end - where.limit), end), has_more: end > where.limit };
  };
}
const opened = async (all: Message[], around?: string) => {
  const path = new Path(all);
  const ended: string[] = [];
  const thread = new Thread("conv_1", path, (one) => ended.push(one.id), (act) => act());
  await thread.open(around);
  return { path, thread, ended };
};

describe("pieces of an answer", () => {
  it("go where they belong, once", () => {
    expect(withPiece("oak", 3, " and brass")).toEqual({ text: "oak and brass", fits: "appended" });
    expect(withPiece("oak and", 3, " and brass")).toEqual({ text: "oak and brass", fits: "appended" });
    expect(withPiece("oak and brass", 3, " and")).toEqual({ text: "oak and brass", fits: "known" });
    expect(withPiece("oak", 5, "brass")).toEqual({ text: "oak", fits: "gap" });
  });
  it("count letters as the line does: in UTF-16 units", () => {
    expect(withPiece("灯🪔", 3, "油")).toEqual({ text: "灯🪔油", fits: "appended" });
  });
  it("are told once a frame, however many came", () => {
    const frames: (() => void)[] = [];
    const growing = new Growing((act) => frames.push(act));
    growing.know("m", { text: "", reasoning: "" });
    frames.splice(0).forEach((act) => act());
    let told = 0;
    growing.watch("m", () => (told += 1));
    for (let i = 0; i < 200; i += 1) growing.hear({ message: "m", part: "text", offset: i, text: "x" });
    expect(frames).toHaveLength(1);
    frames[0]?.();
    expect(told).toBe(1);
    expect(growing.of("m")?.text).toHaveLength(200);
  });
  it("are never shortened by an older copy of the whole", () => {
    const growing = new Growing((act) => act());
    growing.know("m", { text: "oak and brass", reasoning: "" });
    growing.know("m", { text: "oak", reasoning: "so" });
    expect(growing.of("m")).toEqual({ text: "oak and brass", reasoning: "so" });
  });
});

describe("an answer that a restarted server goes on with", () => {
  const restarted = () => {
    const growing = new Growing((act) => act());
    growing.know("m", { text: "oak and", reasoning: "so", attempt: 7 });
    growing.hear({ message: "m", attempt: 7, part: "text", offset: 7, text: " brass" });
    return growing;
  };
  it("keeps what is shown while nothing new is told", () => {
    const growing = restarted();
    growing.know("m", { text: "oak and", reasoning: "so", attempt: 7 });
    expect(growing.of("m")?.text).toBe("oak and brass");
  });
  it("stands where the server goes on from, and takes no piece of another beginning", () => {
    const growing = restarted();
    expect(growing.hear({ message: "m", attempt: 9, part: "text", offset: 8, text: "ash" })).toBe("gap");
    growing.know("m", { text: "oak and ", reasoning: "so", attempt: 9 });
    expect(growing.of("m")?.text).toBe("oak and ");
    expect(growing.hear({ message: "m", attempt: 7, part: "text", offset: 8, text: "late" })).toBe("gap");
    expect(growing.hear({ message: "m", attempt: 9, part: "text", offset: 8, text: "ash" })).toBe("appended");
    expect(growing.of("m")?.text).toBe("oak and ash");
  });
  it("is not set back by an answer from before", () => {
    const growing = restarted();
    growing.know("m", { text: "oak and ash", reasoning: "", attempt: 9 });
    growing.know("m", { text: "oak and brass and more", reasoning: "", attempt: 7 });
    expect(growing.of("m")?.text).toBe("oak and ash");
  });
});

describe("an open conversation", () => {
  it("shows the newest window and goes back from there", async () => {
    const { thread } = await opened(chain(120));
    expect(thread.view.messages.map((one) => one.id).at(0)).toBe(`msg_${120 - FIRST}`);
    await thread.earlier();
    expect(thread.view.messages).toHaveLength(FIRST + 50);
    expect(thread.view.prepended).toBe(true);
    await thread.earlier();
    await thread.earlier();
    expect(thread.view).toMatchObject({ earlier: false });
    expect(thread.view.messages).toHaveLength(120);
  });
  it("opens at a place in the middle and goes on both ways", async () => {
    const { thread } = await opened(chain(300), "msg_100");
    const ids = () => thread.view.messages.map((one) => one.id);
    expect(ids()).toContain("msg_100");
    expect(thread.view).toMatchObject({ earlier: true, later: true });
    await thread.later();
    expect(ids().at(-1)).toBe("msg_200");
    expect(new Set(ids()).size).toBe(ids().length);
    await thread.refresh();
    expect(ids().at(-1), "what is asked for the end does not tear a hole").toBe("msg_200");
  });
  it("keeps earlier windows when the newest is asked for anew, and rows that did not change", async () => {
    const { thread, path } = await opened(chain(120));
    await thread.earlier();
    const tenth = thread.view.messages[10];
    const last = thread.view.messages.at(-1);
    path.all = [...path.all.map((one) => ({ ...one })), message("msg_120", { parent: "msg_119" })];
    await thread.refresh();
    expect(thread.view.messages).toHaveLength(FIRST + 51);
    expect(thread.view.messages[10]).toBe(tenth);
    expect(thread.view.messages[FIRST + 49]).toBe(last);
  });
  it("draws no row again when the first window is asked for anew and nothing changed", async () => {
    const { thread, path } = await opened(chain(120));
    const had = thread.view.messages;
    path.all = path.all.map((one) => ({ ...one }));
    await thread.refresh();
    expect(thread.view.messages).toHaveLength(had.length);
    thread.view.messages.forEach((one, index) => expect(one).toBe(had[index]));
  });
  it("takes another branch's path whole", () => {
    const had = chain(10);
    const fresh = [message("msg_8x", { parent: "msg_7" })];
    expect(joined(had, fresh).messages).toEqual(fresh);
  });
  it("hears an answer grow, asks again after a gap, and tells its end once", async () => {
    const all = [...chain(2), message("msg_a", { parent: "msg_1", role: "assistant", status: "in_progress", text: "Oak" })];
    const { thread, path, ended } = await opened(all);
    thread.hear({ type: "delta", conversation: "conv_1", message: "msg_a", part: "text", offset: 3, text: " then" });
    expect(thread.growing.of("msg_a")?.text).toBe("Oak then");
    const asked = path.asked;
    thread.hear({ type: "delta", conversation: "conv_1", message: "msg_a", part: "text", offset: 99, text: "!" });
    thread.hear({ type: "delta", conversation: "conv_2", message: "msg_a", part: "text", offset: 8, text: "not ours" });
    await new Promise((done) => setTimeout(done, 250));
    expect(path.asked).toBe(asked + 1);
    expect(thread.growing.of("msg_a")?.text).toBe("Oak then");
    path.all = [...chain(2), message("msg_a", { parent: "msg_1", role: "assistant", text: "Oak then brass." })];
    await thread.refresh();
    await thread.refresh();
    expect(ended).toEqual(["msg_a"]);
    expect(thread.growing.of("msg_a")).toBeUndefined();
  });
  it("cuts the path where a new version hangs", async () => {
    const { thread } = await opened(chain(6));
    thread.put([message("msg_new", { parent: "msg_2", role: "assistant" })]);
    expect(thread.view.messages.map((one) => one.id)).toEqual(["msg_0", "msg_1", "msg_2", "msg_new"]);
  });
});

describe("an answer that failed", () => {
  it("names the model that is gone", () => {
    const gone = { code: "model_not_found", message: "There is no model 'm'.", details: { param: "model", model: "m" } };
    expect(goneModel(message("a", { error: gone, model: "other" }))).toBe("m");
    expect(goneModel(message("a", { error: { code: "model_not_found", message: "" }, model: "old" }))).toBe("old");
    expect(goneModel(message("a", { error: { code: "upstream_error", message: "" }, model: "old" }))).toBeUndefined();
    expect(goneModel(message("a"))).toBeUndefined();
  });
});

describe("versions", () => {
  const two = { index: 2, count: 3, previous: "msg_p", next: "msg_n" };
  it("stand beside each other", () => {
    expect(beside(two, -1)).toBe("msg_p");
    expect(beside(two, 1)).toBe("msg_n");
    expect(beside({ index: 1, count: 1, previous: null, next: null }, 1)).toBeUndefined();
  });
  it("are moved where the focus is, else at the last message that has several", () => {
    const all = [message("a", { versions: two }), message("b"), message("c", { versions: two, role: "assistant" }), message("d")];
    expect(movedByKeys(all, "a")?.id).toBe("a");
    expect(movedByKeys(all, "b")?.id).toBe("c");
    expect(movedByKeys([message("b")], undefined)).toBeUndefined();
    expect(lastOwn(all)?.id).toBe("d");
  });
});
