// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import type { Attachment, Message } from "../../../api/talk";
import { Languages } from "../../../i18n";
import { FileFacts, KNOWN_REASONS } from "./Files";
import { Figures } from "./Foot";

const markup = (element: React.ReactNode) => renderToStaticMarkup(<Languages>{element}</Languages>);

const FILE: Attachment = { id: "att_1", name: "a.pdf", type: "application/pdf", bytes: 2000, created_at: 1, state: "ready", kind: "pdf", pages: 9, characters: 100, error: null };

describe("what is said of a file", () => {
  it("is known for every reason that the server gives", () => {
    const source = (name: string) => readFileSync(join(import.meta.dirname, "../../../../../src/library/extract", name), "utf8");
    const codes = (text: string, table: string) => [...text.slice(text.indexOf(table)).split("};")[0]!.matchAll(/\{"(\w+)",/g)].map((found) => found[1]);
    const given = [...codes(source("extraction.cc"), "kNotes[]"), ...codes(source("wire.cc"), "kFaults[]")];
    expect(given.length).toBeGreaterThan(20);
    expect(given.filter((code) => !KNOWN_REASONS.includes(code ?? ""))).toEqual([]);
  });
  it("is made of its codes and their figures", () => {
    const reasons = [
      { code: "pages_cut", count: 10_000, kept: 2000 },
      { code: "text_cut", kept: 8_388_608 },
    ];
    const said = markup(<FileFacts of={{ ...FILE, error: "The server's sentence.", reasons }} />);
    expect(said).toContain("It has 10,000 pages: the first 2,000 are read. It is long: the first 8.39 MB of its text are kept.");
    expect(said).not.toContain("The server");
    expect(markup(<FileFacts of={{ ...FILE, state: "failed", reasons: [{ code: "protected" }] }} />)).toContain("locked with a password");
  });
  it("is the server's sentence where a code is new, or none came", () => {
    for (const reasons of [[{ code: "of_tomorrow" }], [{ code: "no_text" }, { code: "of_tomorrow" }], [], undefined]) {
      const file = { ...FILE, error: "The server’s sentence.", ...(reasons ? { reasons } : {}) };
      expect(markup(<FileFacts of={file} />)).toContain("The server’s sentence.");
    }
    expect(markup(<FileFacts of={FILE} />)).not.toContain("why");
  });
});

describe("what an answer took", () => {
  const took = (cost: number | null, usage: Message["usage"]) => markup(<Figures message={{ ...({} as Message), model: "m", usage, cost_nano_usd: cost, duration_ms: 1200, first_token_ms: null, call: "call_1" }} linked={false} />);
  it("says that there is no price, and shows no nought in its place", () => {
    const used = { input_tokens: 5, output_tokens: 7 };
    expect(took(null, used)).toContain("no price");
    expect(took(null, used)).not.toContain("$");
    expect(took(0, used)).toContain("$0.00");
    expect(took(null, null)).not.toContain("no price");
  });
});
