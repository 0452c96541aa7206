import { describe, expect, it } from "vitest";
import { fill, languageOf, type Key, type Message } from ".";
import { en } from "./en";
import { zh } from "./zh";

const places = (message: Message): string[] =>
  [...new Set((typeof message === "string" ? [message] : [message.one, message.other]).flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "")))].sort();

describe("catalogues", () => {
  it("say the same things", () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  });
  it("have the same places for values, but for the number that a form already says", () => {
    for (const key of Object.keys(en) as Key[]) {
      const less = (of: Message) => places(of).filter((name) => name !== "count");
      expect(less(zh[key]), key).toEqual(less(en[key]));
    }
  });
  it("leave nothing empty, and no English in Chinese sentences", () => {
    const chinese = /[\u4e00-\u9fff]/;
    const same = new Set(["list.between", "use.of", "talk.by", "budgets.facts", "AWS"]);
    for (const key of Object.keys(zh) as Key[]) {
      const text = typeof zh[key] === "string" ? (zh[key] as string) : "";
      expect(text.trim(), key).not.toBe("");
      if (!same.has(key)) expect(chinese.test(text), `${key}: ${text}`).toBe(true);
    }
  });
  it("use full-width punctuation in Chinese", () => {
    for (const [key, text] of Object.entries(zh)) expect(/[\u4e00-\u9fff][,;:!?]/.test(String(text)), `${key}: ${String(text)}`).toBe(false);
  });
});

describe("fill", () => {
  it("puts values in their places and takes the form by number", () => {
    expect(fill({ one: "One left", other: "{count} left of {all}" }, { count: 1 }, "en")).toBe("One left");
    expect(fill({ one: "One left", other: "{count} left of {all}" }, { count: 3, all: 5 }, "en")).toBe("3 left of 5");
    expect(fill("{a} and {b}", { a: "x" }, "en")).toBe("x and {b}");
  });
});

describe("languageOf", () => {
  it("takes what was chosen, then the browser's, then English", () => {
    expect(languageOf("zh", ["en"])).toBe("zh");
    expect(languageOf(undefined, ["fr-FR", "zh-TW", "en"])).toBe("zh");
    expect(languageOf(undefined, ["fr"])).toBe("en");
    expect(languageOf("xx", [])).toBe("en");
  });
});
