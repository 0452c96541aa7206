// @vitest-environment happy-dom
import { asked, called, drawn, eventually, leave, type Asked } from "../../testing/page";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Memory } from "./You";

beforeEach(() => localStorage.clear());
afterEach(leave);

/** A server that keeps the person's values. */
function keeping(values: Record<string, unknown>) {
  return ({ method, path, body }: Asked) => {
    if (path !== "/v1/me/settings") return {};
    if (method === "PATCH") Object.assign(values, (body as { values: object }).values);
    return { values: { ...values } };
  };
}
const memory = () => called<HTMLInputElement>("label.tick", /./).querySelector("input") as HTMLInputElement;

describe("memory in the settings", () => {
  it("is on where nothing was said, and is switched off and on", async () => {
    await drawn(<Memory />, keeping({}));
    await eventually(() => expect(memory().disabled).toBe(false));
    expect(memory().checked).toBe(true);
    expect(document.getElementById(memory().getAttribute("aria-describedby") ?? "")?.textContent).toContain("nothing is kept and nothing is read");
    memory().click();
    await eventually(() => expect(memory().checked).toBe(false));
    expect(asked.at(-1)).toEqual({ method: "PATCH", path: "/v1/me/settings", body: { values: { memory: false } } });
    memory().click();
    await eventually(() => expect(memory().checked).toBe(true));
    expect(asked.at(-1)?.body).toEqual({ values: { memory: true } });
  });
  it("says why it could not be changed, and stays as it is", async () => {
    const server = keeping({ memory: false });
    const place = await drawn(<Memory />, (one) => {
      if (one.method === "PATCH") throw [400, "invalid_value"];
      return server(one);
    });
    await eventually(() => expect(memory().checked).toBe(false));
    memory().click();
    await eventually(() => expect(place.querySelector("[role=alert]")?.textContent).toContain("refused by the test"));
    expect(memory().checked).toBe(false);
  });
  it("speaks Chinese", async () => {
    localStorage.setItem("steward.language", "zh");
    const place = await drawn(<Memory />, keeping({}));
    await eventually(() => expect(place.querySelector("h2")?.textContent).toBe("记忆"));
  });
});
