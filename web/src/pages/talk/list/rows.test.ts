import { describe, expect, it } from "vitest";
import type { Conversation } from "../../../api/talk";
import { plain } from "./plain";
import { rowsOf, withNext, withTop } from "./rows";

const seconds = (text: string) => new Date(text).getTime() / 1000;
const one = (id: string, updated: number, more: Partial<Conversation> = {}): Conversation => ({
  id,
  created_at: updated,
  updated_at: updated,
  title: id,
  title_by: null,
  pinned: false,
  archived: false,
  project: null,
  folder: null,
  messages: 1,
  preview: "",
  current: null,
  answering: false,
  shared: false,
  owner: "usr_a",
  mine: true,
  model: null,
  route: null,
  ...more,
});
const ids = (all: readonly Conversation[]) => all.map((each) => each.id);

describe("the list of conversations", () => {
  it("takes the newest page over what was there", () => {
    const had = [one("a", 9), one("b", 8), one("c", 7), one("d", 6)];
    expect(ids(withTop(had, [one("d", 10), one("a", 9)], true)), "one moves up").toEqual(["d", "a", "b", "c"]);
    expect(ids(withTop(had, [one("b", 8), one("c", 7)], true)), "one has gone").toEqual(["b", "c", "d"]);
    expect(ids(withTop(had, [one("a", 9)], false)), "all is told").toEqual(["a"]);
  });
  it("tells nothing twice when the next page comes", () => {
    expect(ids(withNext([one("a", 9), one("b", 8)], [one("b", 8), one("c", 7)]))).toEqual(["a", "b", "c"]);
  });
  it("parts by day and month, the pinned first", () => {
    const now = new Date("2026-11-25T10:00:00");
    const pinned = one("p", seconds("2025-01-01T08:00:00"), { pinned: true });
    const all = [one("t", seconds("2026-11-25T00:10:00")), pinned, one("y", seconds("2026-11-24T23:50:00")), one("e", seconds("2026-11-09T12:00:00")), one("o", seconds("2026-10-31T12:00:00")), one("x", seconds("2025-11-02T12:00:00"))];
    const told = rowsOf([pinned], all, now).map((row) => ("heading" in row ? row.heading.kind : row.conversation.id));
    expect(rowsOf([], [pinned], now, false).map((row) => row.key), "in the archive").toContain("p");
    expect(told).toEqual(["pinned", "p", "today", "t", "yesterday", "y", "earlier", "e", "month", "o", "month", "x"]);
  });
});

describe("a preview", () => {
  it("is words, without what marks them up", () => {
    expect(plain("In short. 1. **Look** at [the page](https://x.example) and `run` it ~~now~~")).toBe("In short. 1. Look at the page and run it now");
    expect(plain("## How it *adds* up")).toBe("How it adds up");
    expect(plain("> quoted")).toBe("quoted");
  });
  it("keeps what only looks like it", () => {
    for (const text of ["2 * 3 * 4", "snake_case_name", "C# is #1", "a[0](x y)", "-5 degrees"]) expect(plain(text), text).toBe(text);
  });
});
