import { describe, expect, it } from "vitest";
import { safeHref, safePicture } from "./safe";

const HOSTILE = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  " javascript:alert(1)",
  "java\tscript:alert(1)",
  "java\nscript:alert(1)",
  "\u0001javascript:alert(1)",
  "\u00a0javascript:alert(1)",
  "\u200bjavascript:alert(1)",
  "javascript\u0000:alert(1)",
  "vbscript:msgbox(1)",
  "data:text/html,<script>alert(1)</script>",
  "data:text/html;base64,PHNjcmlwdD4=",
  "blob:http://localhost/x",
  "file:///etc/passwd",
  "filesystem:http://localhost/x",
  "view-source:http://localhost",
  "about:blank",
  "ms-settings:x",
  "//evil.example/x",
  "/v1/me",
  "\\\\evil.example\\x",
  "#here",
  "?q",
  "http:",
  "https://",
  "x",
  "",
];

describe("links", () => {
  it("lead nowhere by any other scheme", () => {
    for (const address of HOSTILE) expect(safeHref(address), JSON.stringify(address)).toBeUndefined();
    expect(safeHref(null)).toBeUndefined();
  });
  it("lead where they say", () => {
    expect(safeHref("https://example.org/a b?c=d#e")).toBe("https://example.org/a%20b?c=d#e");
    expect(safeHref("HTTP://Example.org")).toBe("http://example.org/");
    expect(safeHref("mailto:anna@example.org")).toBe("mailto:anna@example.org");
  });
});

describe("pictures", () => {
  const origin = "https://steward.example";
  const own = "/v1/attachments/att_01JD0000000000000000000000/content";
  it("come from this server's attachments alone", () => {
    expect(safePicture(own, origin)).toBe(own);
    expect(safePicture(origin + own, origin)).toBe(own);
    for (const address of [...HOSTILE, `https://evil.example${own}`, `${own}?leak=1`, `/v1/attachments/../me`, `//steward.example${own}`, `${own}/../../x`, "https://evil.example/pixel.gif"])
      expect(safePicture(address, origin), address).toBeUndefined();
  });
});
