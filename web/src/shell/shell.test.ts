import { describe, expect, it } from "vitest";
import { BEGINS, ranked, score, together, type Row } from "./find";
import { composing, step } from "./keyboard";
import { partsOf } from "./places";

const row = (name: string, group = "g", about = ""): Row => ({ id: name, group, name, about, act: () => undefined });

describe("keys", () => {
  const acts = { "g u": () => "use", "?": () => "list" } as unknown as Record<string, () => void>;
  it("wait for the second one", () => {
    expect(step(acts, "", "g").begun).toBe("g");
    expect(step(acts, "g", "u").act).toBe(acts["g u"]);
    expect(step(acts, "g", "?").act).toBe(acts["?"]);
    expect(step(acts, "", "x")).toEqual({ begun: "" });
  });
  it("leave an input method's alone", () => {
    expect(composing({ isComposing: true })).toBe(true);
    expect(composing({ keyCode: 229 })).toBe(true);
    expect(composing({ nativeEvent: { isComposing: true } })).toBe(true);
    expect(composing({ isComposing: false, keyCode: 13 })).toBe(false);
  });
});

describe("the palette", () => {
  it("puts what begins so before what holds it", () => {
    const rows = [row("This server"), row("Use"), row("Settings", "g", "user things")];
    expect(ranked(rows, "use").map((one) => one.name)).toEqual(["Use", "Settings"]);
    expect(score(row("New key"), "key")).toBe(3);
    expect(score(row("New key"), "none")).toBe(0);
  });
  it("parts what begins so from what only holds it, and puts groups from several places together", () => {
    const rows = [row("limits.user"), row("Use"), row("Settings", "g", "user things")];
    expect(ranked(rows, "use", BEGINS).map((one) => one.name)).toEqual(["Use"]);
    expect(ranked(rows, "use", 1, BEGINS - 1).map((one) => one.name)).toEqual(["limits.user", "Settings"]);
    expect(together([row("a", "one"), row("b", "two")], [row("c", "one")]).map((one) => one.name)).toEqual(["a", "c", "b"]);
  });
  it("keeps groups together, the best first", () => {
    const rows = [row("Change key", "do"), row("Keys", "go"), row("New key", "do")];
    expect(ranked(rows, "key").map((one) => one.name)).toEqual(["Keys", "Change key", "New key"]);
  });
});

describe("parts of the settings", () => {
  it("follow the role", () => {
    expect(partsOf("owner")).toContain("people");
    expect(partsOf("member")).toEqual(["keys", "you"]);
    expect(partsOf("guest")).toEqual(["you"]);
  });
});
