// @vitest-environment happy-dom
import { called, drawn, eventually, leave, press, typeInto } from "../../../testing/page";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { worldOf } from "../world";
import { Composer } from "./Composer";
import { putIntoDraft } from "./draft";

const sent = vi.fn();
const composer = (conversation: string) => <Composer conversation={conversation} choice="m" onChoose={() => undefined} onSend={sent} since={undefined} onStop={() => undefined} />;
const server = ({ path }: { path: string }) => (path === "/v1/models" ? { data: [{ id: "m", owned_by: "x" }] } : {});
const kept = () => worldOf("usr_anna").kept;
const field = () => called<HTMLTextAreaElement>("textarea", /./);
const SWITCH = "Leave no trace in memory";

async function say(words: string): Promise<void> {
  typeInto(field(), words);
  await eventually(() => expect(called<HTMLButtonElement>("button.btn-fill", /./).disabled).toBe(false));
  press(field(), "Enter", { ctrlKey: true });
}

beforeEach(async () => {
  localStorage.clear();
  await kept().remove("draft.new");
});
afterEach(() => {
  leave();
  sent.mockReset();
});

describe("a conversation that is about to begin", () => {
  it("leaves a trace, unless it is switched off, for this one alone", async () => {
    await drawn(composer("new"), server);
    const button = await eventually(() => called("button", SWITCH));
    expect(button.getAttribute("aria-pressed")).toBe("false");
    expect(document.getElementById(button.getAttribute("aria-describedby") ?? "")?.textContent).toContain("nothing remembered is told to its answers");
    button.click();
    await eventually(() => expect(called("button", SWITCH).getAttribute("aria-pressed")).toBe("true"));
    expect(document.querySelector(".notrace")?.textContent).toContain("Not remembered.");
    await say("Between us");
    expect(sent).toHaveBeenLastCalledWith("Between us", [], "m", false);
    await eventually(() => expect(called("button", SWITCH).getAttribute("aria-pressed")).toBe("false"));
    await say("For all to know");
    expect(sent).toHaveBeenLastCalledWith("For all to know", [], "m", true);
  });
  it("stays without one through a visit elsewhere, and with what is typed by the palette", async () => {
    await kept().set("draft.new", { text: "half", attachments: [] });
    await putIntoDraft(kept(), "new", { text: "", attachments: [], remember: false });
    await drawn(composer("new"), server);
    await eventually(() => expect(called("button", SWITCH).getAttribute("aria-pressed")).toBe("true"));
    expect(field().value).toBe("half");
    await putIntoDraft(kept(), "new", { text: "more", attachments: [] });
    await eventually(() => expect(field().value).toBe("more\n\nhalf"));
    expect(called("button", SWITCH).getAttribute("aria-pressed")).toBe("true");
    typeInto(field(), "");
    await eventually(() => expect(kept().peek<{ remember?: false }>("draft.new")?.remember).toBe(false));
    called("button", SWITCH).click();
    await eventually(() => expect(kept().peek("draft.new")).toBeUndefined());
  });
  it("is the only one that can be", async () => {
    const place = await drawn(composer("conv_1"), server);
    await eventually(() => expect(field()).toBeTruthy());
    expect(place.textContent).not.toContain("trace");
  });
  it("says it in Chinese", async () => {
    localStorage.setItem("steward.language", "zh");
    await drawn(composer("new"), server);
    (await eventually(() => called("button", "在记忆里不留痕"))).click();
    await eventually(() => expect(document.querySelector(".notrace")?.textContent).toContain("不会被记住"));
  });
});
