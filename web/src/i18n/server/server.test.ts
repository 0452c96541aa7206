import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sentenceOf } from ".";
import { Figures } from "../../format/numbers";
import { toldZh } from "./zh";

// The server's own table and sources: a code that is added there has to be told in every language.
const SOURCES = new URL("../../../../src/", import.meta.url);
const table = readFileSync(new URL("base/errors.def", SOURCES), "utf8");
const codes = [...table.matchAll(/STEWARD_ERROR\(\w+, "(\w+)"/g)].map((found) => found[1] ?? "");
const files = ["base/config_value.cc", "talk/attachments.cc", "talk/saying.cc", "ledger/refusal.cc", ...["identity", "server"].flatMap((folder) => readdirSync(new URL(`${folder}/`, SOURCES)).map((name) => `${folder}/${name}`))];
const sources = files.filter((name) => name.endsWith(".cc") && !name.includes("_test")).map((name) => readFileSync(new URL(name, SOURCES), "utf8")).join("\n");
// Why a session ended is told in its record and at the end of the event line, and is no error.
const OTHERS = new Set(["expired", "session_ended"]);
const given = [...sources.matchAll(/"reason"(?:, |\] = )"(\w+)"/g)].map((found) => found[1] ?? "").filter((reason) => !OTHERS.has(reason));
const figures = new Figures("zh-CN");

describe("Chinese sentences for the server's codes", () => {
  it("are there for every code of an error", () => {
    expect(codes.length).toBeGreaterThan(40);
    expect(codes.filter((code) => !(code in toldZh))).toEqual([]);
  });
  it("are there for every reason that is given by its name, and for none that nobody gives", () => {
    expect(given.length).toBeGreaterThan(8);
    expect(given.filter((reason) => !(`reason.${reason}` in toldZh))).toEqual([]);
    const known = Object.keys(toldZh).filter((key) => key.startsWith("reason."));
    expect(known.filter((key) => !sources.includes(`"${key.slice("reason.".length)}"`))).toEqual([]);
    expect(Object.keys(toldZh).filter((key) => !key.startsWith("reason.") && !codes.includes(key))).toEqual([]);
  });
  it("are Chinese, with full-width punctuation", () => {
    for (const [key, text] of Object.entries(toldZh)) {
      expect(/[\u4e00-\u9fff]/.test(text), key).toBe(true);
      expect(/[\u4e00-\u9fff][,;:!?]/.test(text), `${key}: ${text}`).toBe(false);
    }
  });
});

describe("sentenceOf", () => {
  it("takes the reason before the code, and puts figures in", () => {
    const said = (code: string, details: Record<string, unknown>) => sentenceOf(toldZh, { code, message: "English.", details }, "zh", figures);
    expect(said("invalid_request", { reason: "password_short", bound: 10 })).toContain("10 个字符");
    expect(said("budget_exceeded", { budget_name: "default", left_nanousd: 1_500_000_000, needed_nanousd: 2e9 })).toContain("“default”还剩 $1.50");
    expect(said("invalid_request", { reason: "nobody knows" })).toBe("这样不行。服务器说：English.");
    expect(said("no such code", {})).toBeUndefined();
    expect(sentenceOf({}, { code: "not_found", message: "It is gone." }, "en", figures)).toBeUndefined();
  });
});
