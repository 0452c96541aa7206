// Pies, plans (gantt) and mind maps of Mermaid's language, which the layout library has not: read line by line and drawn as plain SVG in the
// page's own ink. What is not understood is not guessed at: undefined, or an Unread that says what it is, and the description stays. The SVG
// goes through svg.ts as any other.
import { DAY, planIn, type Bar } from "./plan";

const MOST = 200; // slices, tasks, nodes
const LONGEST = 80; // letters of a label
const TEXT = 13; // px
const ROW = 30;

const escaped = (text: string) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const short = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
/** How wide a text is, near enough: letters of Chinese, Japanese and Korean take twice as much. */
const widthOf = (text: string) => [...text].reduce((sum, letter) => sum + (letter > "\u2e7f" ? TEXT : TEXT * 0.56), 0);

function label(x: number, y: number, text: string, more = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${TEXT}" fill="var(--_text)" dominant-baseline="middle" ${more}>${escaped(short(text))}</text>`;
}

function svg(width: number, height: number, inside: string[]): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">${inside.join("")}</svg>`;
}

/** The lines that say something: no comments, no directives, no front matter. */
function linesOf(source: string): string[] {
  return source
    .replace(/^\s*---\n[^]*?\n---\n/, "")
    .split("\n")
    .map((line) => line.replace(/%%.*$/, "").replace(/\t/g, "  ").trimEnd())
    .filter((line) => line.trim() !== "");
}

export function chartOf(source: string): string | undefined {
  const [first = "", ...rest] = linesOf(source);
  const kind = /^\s*(\w+)/.exec(first)?.[1];
  if (kind === "pie") return pie(first, rest);
  if (kind === "gantt") {
    const plan = planIn(rest);
    return plan.bars.length === 0 || plan.bars.length > MOST ? undefined : planOf(plan.title, plan.bars);
  }
  return kind === "mindmap" ? mindmap(rest) : undefined;
}

function pie(first: string, rest: readonly string[]): string | undefined {
  const heading = /\btitle\s+(.+)$/;
  const title = heading.exec(first)?.[1] ?? rest.map((line) => heading.exec(line.trim())?.[1]).find(Boolean) ?? "";
  const slices = rest.flatMap((line) => {
    const found = /^\s*"([^"]*)"\s*:\s*(\d+(?:\.\d+)?)\s*$/.exec(line);
    return found ? [{ name: found[1] ?? "", value: Number(found[2]) }] : [];
  });
  const whole = slices.reduce((sum, one) => sum + one.value, 0);
  if (slices.length === 0 || slices.length > MOST || whole <= 0) return undefined;
  const [r, top] = [90, title ? 36 : 8];
  const [cx, cy] = [r + 8, Math.max(top + r, top + (slices.length * ROW) / 2)];
  const out = title ? [label(8, 16, title, 'font-weight="600"')] : [];
  let turned = 0;
  slices.forEach(({ name, value }, index) => {
    const part = value / whole;
    const ink = `fill="var(--fg)" fill-opacity="${(0.88 - (0.76 * index) / Math.max(1, slices.length - 1)).toFixed(2)}" stroke="var(--bg)" stroke-width="2"`;
    const at = (share: number) => `${(cx + r * Math.sin(2 * Math.PI * share)).toFixed(2)} ${(cy - r * Math.cos(2 * Math.PI * share)).toFixed(2)}`;
    if (part >= 0.9999) out.push(`<circle cx="${cx}" cy="${cy}" r="${r}" ${ink}/>`);
    else if (part > 0) out.push(`<path d="M ${cx} ${cy} L ${at(turned)} A ${r} ${r} 0 ${part > 0.5 ? 1 : 0} 1 ${at(turned + part)} Z" ${ink}/>`);
    turned += part;
    const y = cy + (index - (slices.length - 1) / 2) * ROW;
    out.push(`<rect x="${cx + r + 28}" y="${y - 7}" width="14" height="14" ${ink}/>`, label(cx + r + 52, y, `${short(name)}  ${Math.round(part * 1000) / 10} %`));
  });
  const widest = Math.max(...slices.map((one) => widthOf(short(one.name))), widthOf(short(title)) - r - 200);
  return svg(cx + r + 52 + widest + 80, Math.max(cy + r, cy + (slices.length * ROW) / 2) + 8, out);
}

function planOf(title: string, bars: readonly Bar[]): string {
  const from = Math.min(...bars.map((one) => one.from));
  const span = Math.max(DAY / 24, Math.max(...bars.map((one) => one.shown)) - from);
  const left = Math.min(260, Math.max(...bars.map((one) => widthOf(short(one.name))), 60)) + 20;
  const [wide, top] = [560, title ? 60 : 32];
  const x = (at: number) => left + ((at - from) / span) * wide;
  const out = title ? [label(8, 16, title, 'font-weight="600"')] : [];
  let [y, section] = [top, ""];
  const rows: string[] = [];
  for (const bar of bars) {
    if (bar.section !== section) {
      section = bar.section;
      rows.push(label(8, y + ROW / 2, section, 'font-weight="600"'));
      y += ROW;
    }
    const middle = y + ROW / 2;
    const ink = `fill="var(--fg)" fill-opacity="${bar.tags.has("done") ? 0.22 : bar.tags.has("active") ? 0.85 : 0.5}" stroke="var(--fg)" stroke-width="${bar.tags.has("crit") ? 2 : 0.5}"`;
    const [a, b] = [x(bar.from), Math.max(x(bar.shown), x(bar.from) + 2)];
    rows.push(label(8, middle, bar.name));
    if (bar.tags.has("milestone")) rows.push(`<polygon points="${[[a, middle - 8], [a + 8, middle], [a, middle + 8], [a - 8, middle]].map(([px = 0, py = 0]) => `${px.toFixed(1)},${py}`).join(" ")}" ${ink}/>`);
    else rows.push(`<rect x="${a.toFixed(1)}" y="${middle - 8}" width="${(b - a).toFixed(1)}" height="16" rx="2" ${ink}/>`);
    y += ROW;
  }
  for (let tick = 0; tick <= 4; tick += 1) {
    const at = span < 3 * DAY ? from + (span * tick) / 4 : from + Math.round((span * tick) / 4 / DAY) * DAY;
    const told = new Date(at).toISOString();
    const side = tick === 0 ? "start" : tick === 4 ? "end" : "middle";
    out.push(`<line x1="${x(at).toFixed(1)}" y1="${top - 8}" x2="${x(at).toFixed(1)}" y2="${y}" stroke="var(--_inner-stroke)" stroke-width="1"/>`);
    out.push(label(x(at), top - 18, span < 3 * DAY ? told.slice(5, 16).replace("T", " ") : told.slice(0, 10), `text-anchor="${side}"`));
  }
  return svg(left + wide + 12, y + 8, [...out, ...rows]);
}

interface Node {
  text: string;
  depth: number; // of its line's indent
  children: Node[];
  y: number;
}

const SHAPES = [/^\S*?\(\((.*)\)\)$/, /^\S*?\)\)(.*)\(\($/, /^\S*?\{\{(.*)\}\}$/, /^\S*?\)(.*)\($/, /^\S*?\[(.*)\]$/, /^\S*?\((.*)\)$/];

function nodeText(line: string): string {
  const bare = line.trim().replace(/:::.*$/, "").trim();
  const shaped = SHAPES.map((shape) => shape.exec(bare)?.[1]).find((text) => text !== undefined);
  return (shaped ?? bare).replace(/^["`]+|["`]+$/g, "").replace(/<br\s*\/?>/gi, " ").replace(/\*\*/g, "");
}

function mindmap(lines: readonly string[]): string | undefined {
  const above: Node[] = [];
  let root: Node | undefined;
  let count = 0;
  for (const line of lines) {
    if (/^\s*:::?\w/.test(line)) continue; // an icon or a class of the one above
    const node: Node = { text: short(nodeText(line)), depth: line.search(/\S/), children: [], y: 0 };
    while (above.length > 0 && (above[above.length - 1]?.depth ?? 0) >= node.depth) above.pop();
    const parent = above[above.length - 1];
    if (parent) parent.children.push(node);
    else if (root) return undefined; // there is one root
    else root = node;
    above.push(node);
    if ((count += 1) > MOST) return undefined;
  }
  if (!root) return undefined;
  const out: string[] = [];
  const [right, bottom] = branch(root, 8, { y: 8 }, out);
  return svg(right + 8, bottom + 8, out);
}

/** A node with all below it, to its right; each leaf takes a row. */
function branch(node: Node, x: number, at: { y: number }, out: string[]): [right: number, bottom: number] {
  const width = widthOf(node.text) + 20;
  const begun = at.y;
  let right = x + width;
  for (const child of node.children) right = Math.max(right, branch(child, x + width + 36, at, out)[0]);
  if (node.children.length === 0) at.y += ROW + 6;
  const first = node.children[0]?.y ?? begun;
  node.y = node.children.length === 0 ? begun : (first + (node.children[node.children.length - 1]?.y ?? first)) / 2;
  const middle = node.y + ROW / 2;
  for (const child of node.children) {
    const [from, to, half] = [x + width, x + width + 36, x + width + 18];
    out.push(`<path d="M ${from.toFixed(1)} ${middle} C ${half.toFixed(1)} ${middle} ${half.toFixed(1)} ${child.y + ROW / 2} ${to.toFixed(1)} ${child.y + ROW / 2}" fill="none" stroke="var(--_line)" stroke-width="1.5"/>`);
  }
  out.push(`<rect x="${x.toFixed(1)}" y="${node.y}" width="${width.toFixed(1)}" height="${ROW}" rx="3" fill="var(--_node-fill)" stroke="var(--_node-stroke)" stroke-width="1"/>`, label(x + 10, middle, node.text));
  return [right, at.y];
}
