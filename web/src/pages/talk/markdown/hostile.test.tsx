// @vitest-environment happy-dom
// The payloads of the check `xss`, drawn: whatever a text says, only elements and attributes that are named in elements.tsx come of it.
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
// @ts-expect-error plain JavaScript, shared with the checks in the browser
import { PAYLOADS } from "../../../../../tests/browser/xss_payloads.mjs";
import { Languages } from "../../../i18n";
import Markdown from "./Markdown";
import { attributesOf, svgOf } from "./svg";

const ELEMENTS = new Set("div p h2 h3 h4 h5 h6 em strong del code br hr blockquote pre ol ul li table thead tbody tr th td a span figure figcaption button kbd input details summary sup section".split(" "));
const ATTRIBUTES = new Set("class dir role tabindex aria-label scope start type checked disabled href target rel title data-code data-copy data-ref data-note value hidden id".split(" "));

const drawn = (text: string): string =>
  renderToStaticMarkup(
    <Languages>
      <Markdown text={text} />
    </Languages>,
  );

/** The tags of a markup, as the server's renderer writes them: values are quoted, and quotes in them escaped. */
function tags(markup: string): { name: string; attributes: [string, string][] }[] {
  return [...markup.matchAll(/<([a-zA-Z][\w-]*)((?:\s[\w:-]+(?:="[^"]*")?)*)\s*\/?>/g)].map((found) => ({
    name: found[1] ?? "",
    attributes: [...(found[2] ?? "").matchAll(/\s([\w:-]+)(?:="([^"]*)")?/g)].map((one) => [one[1] ?? "", one[2] ?? ""]),
  }));
}

describe("texts that mean harm", () => {
  for (const { name, mark, text } of PAYLOADS as { name: string; mark: string; text: string }[])
    it(`${name}: shows its words and nothing else`, () => {
      const markup = drawn(text);
      expect(markup).toContain(mark);
      const found = tags(markup);
      // Every "<" is one of these tags or their ends: nothing else got through.
      expect((markup.match(/</g) ?? []).length - (markup.match(/<\//g) ?? []).length - (markup.match(/<!--/g) ?? []).length).toBe(found.length);
      for (const tag of found) {
        expect(ELEMENTS.has(tag.name), `${tag.name} in ${markup.slice(0, 300)}`).toBe(true);
        for (const [attribute, value] of tag.attributes) {
          expect(ATTRIBUTES.has(attribute), `${attribute} of ${tag.name}`).toBe(true);
          if (attribute === "href") expect(value).toMatch(/^(https?:\/\/|mailto:)/);
          if (attribute === "href") expect(tag.attributes).toContainEqual(["rel", "noopener noreferrer nofollow"]);
        }
      }
    });
  it("would be seen, were they markup", () => {
    expect(tags('<p><img src="x" onerror="alert(1)"/></p>').map((tag) => tag.name)).toContain("img");
  });
});

describe("a diagram's SVG", () => {
  const of = (attributes: Record<string, string>) => attributesOf({ attributes: Object.entries(attributes).map(([name, value]) => ({ name, value })) as unknown as NamedNodeMap }, "d1-");
  it("keeps geometry and the page's colours, its own ids, and nothing that leads elsewhere", () => {
    expect(of({ x: "1.5", fill: "var(--_line)", "stroke-width": "0.75", id: "a", "marker-end": "url(#arrow)", points: "0 0, 8 2.5" })).toEqual({
      x: "1.5",
      fill: "var(--_line)",
      strokeWidth: "0.75",
      id: "d1-a",
      markerEnd: "url(#d1-arrow)",
      points: "0 0, 8 2.5",
    });
    expect(
      of({ fill: "url(javascript:alert(1))", stroke: "url(https://evil.invalid/x)", onload: "alert(1)", style: "background:url(x)", href: "javascript:alert(1)", "xlink:href": "x", class: "x", "marker-end": "url(https://evil.invalid/#a)", d: "M0 0 url(x) \" onload=" }),
    ).toEqual({});
  });
  it("is nothing where it is no SVG, and drops what is none of its shapes", () => {
    const read = (text: string) => new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
    expect(svgOf("<p>x</p>", "d-", read)).toBeUndefined();
  });
});
