import { describe, expect, it } from "vitest";
import type { Message, Page } from "../../../api/talk";
import { askAhead, conversationIn, FIRST, takeAhead } from "./ahead";

const ID = "conv_01JD0000000000000000000000";
const PAGE: Page<Message> = { data: [], has_more: false };

describe("conversationIn", () => {
  it("is what an address shows the end of", () => {
    expect(conversationIn({ pathname: `/talk/${ID}`, search: "" })).toBe(ID);
    expect(conversationIn({ pathname: `/talk/${ID}`, search: "?at=msg_1" })).toBeUndefined();
    for (const pathname of ["/", "/talk", "/use", "/talk/conv_1", `/talk/${ID}/more`, `/enter/talk/${ID}`]) expect(conversationIn({ pathname, search: "" }), pathname).toBeUndefined();
  });
});

describe("what is asked ahead", () => {
  it("is for the first who asks, and for that conversation", async () => {
    const asked: unknown[] = [];
    askAhead(ID, async (...of) => (asked.push(of), PAGE));
    expect(asked).toEqual([[ID, { limit: FIRST }]]);
    expect(await takeAhead(ID)).toBe(PAGE);
    expect(await takeAhead(ID)).toBeUndefined();
    askAhead(ID, async () => PAGE);
    expect(await takeAhead("conv_other")).toBeUndefined();
    expect(await takeAhead(ID)).toBeUndefined();
  });
  it("is asked again by the page where it failed", async () => {
    askAhead(ID, () => Promise.reject(new Error("not signed in")));
    expect(await takeAhead(ID)).toBeUndefined();
  });
});
