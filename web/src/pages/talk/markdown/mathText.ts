// Which dollars are maths and which are money: as Pandoc has it, an opening one stands before a letter and not after one, a closing one after a
// letter and before no digit. The others are escaped. "\(…\)" and "\[…\]" become the form that the reader knows. Code is left alone.

const CODE = /(`+)(?!`)[^]*?(?<!`)\1(?!`)/g;

function inText(text: string): string {
  const brackets = text
    .replace(/(?<!\\)\\\(([^\n]*?[^\n\\])\\\)/g, (_, tex: string) => `\u0001${tex.trim()}\u0001`)
    .replace(/(?<!\\)\\\[([^]*?)\\\]/g, (_, tex: string) => `\u0001\u0001${tex.trim()}\u0001\u0001`);
  return dollars(brackets).replaceAll("\u0001", "$");
}

function dollars(text: string): string {
  if (!text.includes("$")) return text;
  let out = "";
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("$", at);
    if (next < 0) break;
    out += text.slice(at, next);
    if (text[next - 1] === "\\") {
      out += "$";
      at = next + 1;
      continue;
    }
    const mark = text[next + 1] === "$" ? "$$" : "$";
    const end = closing(text, next, mark);
    if (end < 0) {
      out += mark === "$" ? "\\$" : "\\$\\$";
      at = next + mark.length;
    } else {
      out += text.slice(next, end + mark.length);
      at = end + mark.length;
    }
  }
  return out + text.slice(at);
}

function closing(text: string, open: number, mark: string): number {
  const from = open + mark.length;
  if (mark === "$" && /[\s$]/.test(text[from] ?? " ")) return -1;
  for (let end = text.indexOf(mark, from); end >= 0; end = text.indexOf(mark, end + 1)) {
    const inside = text.slice(from, end);
    if (inside.includes("\n\n") || inside.length > 4_000) return -1;
    if (text[end - 1] === "\\") continue;
    if (mark === "$$") return end;
    if (/\s/.test(text[end - 1] ?? " ") || /\d/.test(text[end + 1] ?? "")) continue;
    // "$5 to $" is money: digits and words, no sign of a formula.
    if (/^[\d.,]+ /.test(inside) && !/[\\^_{}=+<>]/.test(inside)) return -1;
    return end;
  }
  return -1;
}

export function withMath(raw: string): string {
  if (!/[$]|\\[([]/.test(raw)) return raw;
  let out = "";
  let at = 0;
  for (const found of raw.matchAll(CODE)) {
    out += inText(raw.slice(at, found.index)) + found[0];
    at = found.index + found[0].length;
  }
  return out + inText(raw.slice(at));
}
