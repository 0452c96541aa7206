// A diagram's SVG as a tree of what is allowed in it: shapes and words, geometry, and colours that are the page's own. It has no style, no
// link, no script, no address; ids are made the diagram's own, so that two on a page don't take each other's arrow heads.
import { createElement, type ReactNode } from "react";

const ELEMENTS = new Set(["svg", "g", "defs", "marker", "polygon", "polyline", "line", "rect", "circle", "ellipse", "path", "text", "tspan", "title"]);
const NUMBERS = new Set(
  "x y x1 y1 x2 y2 cx cy r rx ry dx dy width height font-size font-weight stroke-width stroke-dasharray stroke-linejoin stroke-linecap opacity fill-opacity markerWidth markerHeight refX refY orient viewBox points d transform text-anchor dominant-baseline letter-spacing font-style text-decoration".split(" "),
);
const PLAIN = /^[\w\s.,:#%()+\-]*$/; // no address, no escape
const COLOUR = /^(?:var\(--_?[a-z-]+\)|#[0-9a-f]{3,8}|[a-z]{3,20}|none)$/i;
const LINK = /^url\(#([\w-]+)\)$/;
const MOST = 8_000; // elements

export interface Svg {
  element: ReactNode;
  width: number;
  height: number;
}

interface Count {
  left: number;
}

/** Undefined where it is no SVG, or too much of one. */
export function svgOf(text: string, prefix: string, read: (text: string) => Element | null = parsed): Svg | undefined {
  const root = read(text);
  if (!root || root.tagName !== "svg") return undefined;
  const count = { left: MOST };
  const element = elementOf(root, prefix, "0", count);
  if (count.left < 0 || !element) return undefined;
  const [, , width = 0, height = 0] = (root.getAttribute("viewBox") ?? "").split(/\s+/).map(Number);
  return { element, width, height };
}

function parsed(text: string): Element | null {
  // Its sheet, which would fetch type from elsewhere, is dropped before anything reads it.
  const bare = text.replace(/<style[\s\S]*?<\/style>/gi, "").replace(/\sstyle="[^"]*"/gi, "");
  const document = new DOMParser().parseFromString(bare, "image/svg+xml");
  return document.querySelector("parsererror") ? null : document.documentElement;
}

function elementOf(node: Element, prefix: string, key: string, count: Count): ReactNode {
  count.left -= 1;
  if (count.left < 0 || !ELEMENTS.has(node.tagName)) return null;
  const children: ReactNode[] = [];
  node.childNodes.forEach((child, index) => {
    if (child.nodeType === 3) children.push(child.textContent);
    else if (child.nodeType === 1) children.push(elementOf(child as Element, prefix, String(index), count));
  });
  return createElement(node.tagName, { key, ...attributesOf(node, prefix) }, ...children);
}

export function attributesOf(node: Pick<Element, "attributes">, prefix: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const { name, value } of Array.from(node.attributes)) {
    if (name === "id" && /^[\w-]+$/.test(value)) out.id = prefix + value;
    else if (name === "fill" || name === "stroke") {
      if (COLOUR.test(value)) out[name] = value;
    } else if (name === "marker-start" || name === "marker-end") {
      const found = LINK.exec(value);
      if (found) out[camel(name)] = `url(#${prefix}${found[1]})`;
    } else if (NUMBERS.has(name) && PLAIN.test(value)) out[camel(name)] = value;
  }
  return out;
}

const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
