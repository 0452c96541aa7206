import { IDBFactory } from "fake-indexeddb";
import { describe, expect, it, vi } from "vitest";
import { ApiError } from "../../../api/errors";
import { newId } from "../../../api/ids";
import type { Said } from "../../../api/talk";
import { Kept } from "./kept";
import { Outbox, passes } from "./outbox";

class Small {
  readonly map = new Map<string, string>();
  full = false;
  get length() {
    return this.map.size;
  }
  getItem = (name: string) => this.map.get(name) ?? null;
  setItem = (name: string, value: string) => {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.map.set(name, value);
  };
  removeItem = (name: string) => void this.map.delete(name);
  key = (index: number) => [...this.map.keys()][index] ?? null;
}
const places = () => ({ small: new Small(), large: new IDBFactory() });

class Server {
  readonly said = new Map<string, Said>(); // by id: a repeat is harmless
  calls = 0;
  made: string[] = [];
  begun: unknown[] = [];
  trouble: (() => Error | undefined) | undefined;
  answerLost = false; // the message arrives, the answer doesn't
  make = async (id: string, how?: unknown) => {
    this.made.push(id);
    this.begun.push(how);
    return {} as never;
  };
  say = async (_: string, said: Said) => {
    this.calls += 1;
    const trouble = this.trouble?.();
    if (trouble) throw trouble;
    this.said.set(said.id, said);
    if (this.answerLost) {
      this.answerLost = false;
      throw new ApiError(0, "offline", "lost");
    }
    return { message: { id: said.id } as never, answer: null };
  };
}
const entry = (text: string, more = {}) => ({ id: newId("msg"), conversation: "conv_1", text, attachments: [], ...more });

describe("what is kept", () => {
  it("is safe at once where it is small, and anyway where it is large or the place is full", async () => {
    const both = places();
    const kept = new Kept("steward.usr_a", both);
    void kept.set("draft.x", { text: "half a sen" });
    expect(both.small.getItem("steward.usr_a.draft.x")).toContain("half a sen");
    const huge = "x".repeat(5_000_000);
    await kept.set("draft.x", { text: huge });
    both.small.full = true;
    await kept.set("draft.y", { text: "where it is full" });
    const later = new Kept("steward.usr_a", both);
    expect((await later.get<{ text: string }>("draft.x"))?.text).toHaveLength(huge.length);
    expect(await later.get("draft.y")).toEqual({ text: "where it is full" });
    expect((await later.keys()).sort()).toEqual(["draft.x", "draft.y"]);
    await later.remove("draft.x");
    expect(await later.get("draft.x")).toBeUndefined();
  });
  it("is not shown to anybody else", async () => {
    const both = places();
    await new Kept("steward.usr_a", both).set("draft.x", 1);
    expect(await new Kept("steward.usr_b", both).keys()).toEqual([]);
    expect(await new Kept("steward.usr_b", both).get("draft.x")).toBeUndefined();
  });
});

describe("the outbox", () => {
  it("sends in order and keeps nothing that the server has", async () => {
    const server = new Server();
    const both = places();
    const box = new Outbox(new Kept("p", both), () => undefined, server);
    await Promise.all([box.send(entry("one", { make: {} })), box.send(entry("two"))]);
    await vi.waitFor(() => expect(box.snapshot()).toEqual([]));
    expect([...server.said.values()].map((one) => one.text)).toEqual(["one", "two"]);
    expect(server.made).toEqual(["conv_1"]);
    expect(await new Kept("p", both).keys()).toEqual([]);
  });
  it("begins a conversation as it was to begin, also after a crash", async () => {
    const server = new Server();
    server.trouble = () => new ApiError(0, "offline", "no line");
    const both = places();
    const box = new Outbox(new Kept("p", both), () => undefined, server);
    await box.send(entry("between us", { make: { folder: "a", remember: false } }));
    box.end();
    server.trouble = undefined;
    const later = new Outbox(new Kept("p", both), () => undefined, server);
    await later.load();
    await vi.waitFor(() => expect(later.snapshot()).toEqual([]));
    expect(server.begun).toEqual([{ folder: "a", remember: false }, { folder: "a", remember: false }]);
    later.end();
  });
  it("says once what was sent twice because the answer was lost", async () => {
    const server = new Server();
    server.answerLost = true;
    const box = new Outbox(new Kept("p", places()), () => undefined, server);
    await box.send(entry("once"));
    expect(box.snapshot()[0]?.state).toBe("waiting");
    box.again();
    await vi.waitFor(() => expect(box.snapshot()).toEqual([]));
    expect(server.calls).toBe(2);
    expect(server.said.size).toBe(1);
    box.end();
  });
  it("goes on in another tab's life, with the same id", async () => {
    const both = places();
    const server = new Server();
    server.trouble = () => new ApiError(503, "draining", "away");
    const first = new Outbox(new Kept("p", both), () => undefined, server);
    const one = entry("typed before the crash");
    await first.send(one);
    first.end();
    server.trouble = undefined;
    const second = new Outbox(new Kept("p", both), () => undefined, server);
    await second.load();
    await vi.waitFor(() => expect(second.snapshot()).toEqual([]));
    expect(server.said.get(one.id)?.text).toBe("typed before the crash");
  });
  it("keeps what is refused, tells why, and holds what comes after it", async () => {
    const server = new Server();
    server.trouble = () => new ApiError(413, "too_large", "That is too long.");
    const both = places();
    const box = new Outbox(new Kept("p", both), () => undefined, server);
    const one = entry("too much");
    await box.send(one);
    expect(box.snapshot()[0]).toMatchObject({ state: "refused", why: "That is too long." });
    expect(await new Kept("p", both).keys()).toHaveLength(1);
    expect((await box.takeBack(one.id))?.text).toBe("too much");
    expect(box.snapshot()).toEqual([]);
  });
  it("sends nothing of one person's while another is signed in", async () => {
    const server = new Server();
    let signedIn = "usr_b";
    const box = new Outbox(new Kept("p", places()), () => undefined, server, () => signedIn === "usr_a");
    await box.send(entry("hers alone"));
    box.again();
    expect(server.calls).toBe(0);
    expect(box.snapshot()).toHaveLength(1);
    signedIn = "usr_a";
    box.again();
    await vi.waitFor(() => expect(box.snapshot()).toEqual([]));
    expect(server.calls).toBe(1);
  });
  it("knows what may pass by waiting", () => {
    expect([0, 401, 429, 500, 503].every(passes)).toBe(true);
    expect([400, 403, 404, 409, 413].some(passes)).toBe(false);
  });
});

describe("ids made here", () => {
  it("are ULIDs in the order of time", () => {
    expect(newId("msg", 0)).toMatch(/^msg_0000000000[0-9A-HJKMNP-TV-Z]{16}$/);
    expect(newId("conv", 1_700_000_000_000) < newId("conv", 1_700_000_000_001)).toBe(true);
    expect(newId("msg")).not.toBe(newId("msg"));
  });
});
