// @vitest-environment happy-dom
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { chartOf } from "./charts";
import { svgOf } from "./svg";

const PLAN = `gantt
  title A lamp
  dateFormat YYYY-MM-DD
  section Wood
  Dry the oak :done, dry, 2026-03-02, 5d
  Cut it :crit, after dry, 2d
  section Brass
  Order :2026-03-03, 2026-03-05
  Turn it :1w
  Whole :milestone, after dry, 0d`;

const markup = (source: string): string => {
  const text = chartOf(source);
  const drawn = text === undefined ? undefined : svgOf(text, "d-");
  expect(drawn).toBeDefined();
  expect(drawn?.width).toBeGreaterThan(100);
  return renderToStaticMarkup(drawn?.element);
};
const rects = (text: string) => [...text.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g)].map(([, x, , width]) => [Number(x), Number(width)]);

describe("charts", () => {
  it("part a pie by its shares", () => {
    const drawn = markup('pie title What it is of\n  "Oak" : 45\n  "Brass" : 45.0\n  "Felt" : 10');
    expect(drawn).toContain("What it is of");
    expect(drawn).toContain("Oak  45 %");
    expect(drawn).toContain("Felt  10 %");
    expect(drawn.match(/<path/g)).toHaveLength(3);
    expect(markup('pie\n"All" : 5')).toContain("<circle");
  });
  it("lay a plan out in time", () => {
    const drawn = markup(PLAN);
    for (const text of ["A lamp", "Wood", "Dry the oak", "2026-03-02"]) expect(drawn).toContain(text);
    expect(drawn).toContain("<polygon");
    const [dry, cut, order, turn] = rects(drawn);
    expect((dry?.[0] ?? 0) + (dry?.[1] ?? 0)).toBeCloseTo(cut?.[0] ?? 0, 0); // one after the other
    expect((dry?.[1] ?? 0) / (cut?.[1] ?? 1)).toBeCloseTo(2.5, 1);
    expect((order?.[0] ?? 0) + (order?.[1] ?? 0)).toBeCloseTo(turn?.[0] ?? 0, 0);
  });
  it("grow a mind map from its root", () => {
    const drawn = markup("mindmap\n  root((Lamp))\n    Wood\n      Oak\n      ::icon(fa fa-tree)\n      Ash\n    b[Brass &amp; felt]");
    for (const text of ["Lamp", "Wood", "Oak", "Ash", "Brass"]) expect(drawn).toContain(text);
    expect(drawn).not.toContain("fa-tree");
    expect(drawn.match(/<path/g)).toHaveLength(4);
  });
  it("are left as they are described where something is not understood", () => {
    for (const text of ["graph TD\n A --> B", "pie\n nothing", "mindmap\n a\n b", "mindmap", "pie\n" + '"a" : 1\n'.repeat(500), ""])
      expect(chartOf(text), text.slice(0, 40)).toBeUndefined();
  });
  it("hold words and never markup", () => {
    const drawn = markup('pie title <script>alert(1)</script>\n  "<img src=x onerror=alert(1)>" : 1\n "b" : 2');
    expect(drawn).not.toMatch(/<(script|img)/);
    expect(drawn).toContain("&lt;img src=x");
  });
});
