import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { docOf } from ".";
import { configZh } from "./zh";

// The server's table of keys, as it stands in its source: a key that is added there has to be told in every language.
const table = readFileSync(new URL("../../../../src/base/config_keys.cc", import.meta.url), "utf8");
const named = new Set([...table.matchAll(/\{"(\w+)", true,/g)].map((found) => found[1]));
const keys = [...table.slice(table.indexOf("kKeys")).matchAll(/\{"(\w+)", "(\w+)", k[A-Z]/g)].map(([, section, key]) => (named.has(section) ? `${section}.*.${key}` : `${section}.${key}`));

describe("Chinese texts of configuration keys", () => {
  it("are there for every key, and for no other", () => {
    expect(keys.length).toBeGreaterThan(100);
    expect(Object.keys(configZh).sort()).toEqual([...keys].sort());
  });
  it("are Chinese, with full-width punctuation", () => {
    for (const [key, text] of Object.entries(configZh)) {
      expect(/[\u4e00-\u9fff]/.test(text), key).toBe(true);
      expect(/[\u4e00-\u9fff][,;:!?]/.test(text), `${key}: ${text}`).toBe(false);
      expect(text.split("`").length % 2, `${key}: a code has no end`).toBe(1);
    }
  });
  it("are found for a thing by its name, dots and all", () => {
    expect(docOf(configZh, "server.port")).toBe(configZh["server.port"]);
    expect(docOf(configZh, "prices.openai/gpt-4.1-mini.input")).toBe(configZh["prices.*.input"]);
    expect(docOf(configZh, "nothing.at_all")).toBeUndefined();
  });
});
