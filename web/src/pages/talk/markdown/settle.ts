// The last block of a text that is still arriving, made whole for the moment: a marker that has no end yet gets one, what could still turn
// into something else waits a moment. So letters that were shown stay where they are, and markers never show and then vanish.

const HELD_MATH = 80; // letters after a "$" that may wait for its end

/** What of the last line may still become something else: a fence, a list's mark, a rule, an underline of a heading. */
const UNDECIDED = /^[ \t>]*(?:`{1,}|~{1,}|[-+*](?:[ \t]*[-+*])*|=+|\d{1,9}[.)]?|#{1,6}|>|\||\$\$?|\\\[?)[ \t]*$/;
const NOTE = /^ {0,3}\[\^[^\]\s]{0,60}\]?$/; // at a line's beginning: a footnote, or only a mark of one
const TASK = /^([ \t>]*(?:[-+*]|\d{1,9}[.)])[ \t]+)(\[[ xX]?\]?[ \t]*)$/;

export function settled(raw: string): string {
  const lines = raw.split("\n");
  const last = lines[lines.length - 1] ?? "";
  if (UNDECIDED.test(last) || NOTE.test(last)) return settledTable(lines.slice(0, -1).join("\n"));
  const task = TASK.exec(last);
  if (task) return settledTable(lines.slice(0, -1).join("\n"));
  return settledTable(raw);
}

/** A table is one from its first row on: the row that says so is added until it has come. */
function settledTable(raw: string): string {
  const lines = raw.split("\n");
  const first = lines.findIndex((line) => /^ {0,3}\|/.test(line));
  if (first < 0 || lines.slice(0, first).some((line) => line.trim() !== "")) return settledInline(raw);
  const head = lines[first] ?? "";
  const second = lines[first + 1];
  const wanted = cellsOf(head);
  const delimiter = second !== undefined && /^[\s|:-]+$/.test(second);
  if (lines.length > first + 2) return lines.slice(0, -1).join("\n") + "\n" + settledInline(lines[lines.length - 1] ?? "");
  if (second !== undefined && !delimiter) return settledInline(raw);
  if (second !== undefined && cellsOf(second) >= wanted && /-\s*\|?\s*$/.test(second)) return raw;
  return `${settledInline(head)}\n|${" - |".repeat(Math.max(1, wanted))}`;
}

function cellsOf(row: string): number {
  const bare = row.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return bare === "" ? 0 : bare.split(/(?<!\\)\|/).length;
}

/** Where the run of words begins that markers at the end belong to: after the last line that begins something of its own. */
function runStart(raw: string): number {
  const lines = raw.split("\n");
  let at = raw.length;
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    const line = lines[i] ?? "";
    at -= line.length;
    if (i === 0 || /^[ \t]*(?:[-+*]|\d{1,9}[.)]|#{1,6}|>)[ \t]/.test(line) || (lines[i - 1] ?? "").trim() === "") {
      const mark = /^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)]|#{1,6})[ \t]+)?/.exec(line)?.[0].length ?? 0;
      return at + mark;
    }
    at -= 1; // the line's end before it
  }
  return 0;
}

function settledInline(raw: string): string {
  const from = runStart(raw);
  const run = raw.slice(from);
  return raw.slice(0, from) + wholeRun(run);
}

function wholeRun(run: string): string {
  const code = openCode(run);
  if (code) {
    const inside = run.slice(code.at + code.mark.length).replace(/`+$/, "");
    // Nothing in it yet: the marker waits.
    return inside.trim() === "" ? wholeRun(run.slice(0, code.at)) : wholeMarks(run.slice(0, code.at), code.mark + inside + (inside.endsWith("`") ? " " : "") + code.mark);
  }
  return wholeMarks(heldBack(run), "");
}

/** A code span that has no end yet. */
function openCode(run: string): { at: number; mark: string } | undefined {
  const marks = [...run.matchAll(/(?<!\\)`+/g)];
  for (let i = 0; i < marks.length; i += 1) {
    const mark = marks[i]?.[0] ?? "";
    const end = marks.findIndex((other, j) => j > i && other[0].length === mark.length);
    if (end < 0) return { at: marks[i]?.index ?? 0, mark };
    i = end;
  }
  return undefined;
}

/** Links, pictures and maths that are half there: their words show, their addresses wait. */
function heldBack(run: string): string {
  let text = run.replace(/\\$/, "");
  const outside = blanked(text);
  const note = /\[\^[^\]\s]{0,60}$/.exec(outside);
  if (note) return text.slice(0, note.index);
  const picture = /!(?:\[[^\]\n]*(?:\](?:\([^)\n]*)?)?)?$/.exec(outside);
  if (picture) return text.slice(0, picture.index);
  const link = /\[(?!\^)([^\][\n]*)(\](?:\([^)\n]*)?)?$/.exec(outside);
  if (link) text = text.slice(0, link.index) + text.slice(link.index + 1, link.index + 1 + (link[1] ?? "").length);
  const dollar = /(?<![\\$])(?:\${1,2}|\\\()$/.exec(blanked(text));
  if (dollar) text = text.slice(0, dollar.index);
  const math = /(?<![\\$])(?:\$|\\\()(?=[\p{L}\\({|])([^$\n]*)$/u.exec(blanked(text));
  if (math && (math[1] ?? "").length < HELD_MATH && !/\\\)/.test(math[0])) text = text.slice(0, math.index).trimEnd();
  return text;
}

/** The same text with code spans and finished maths blanked, so that nothing is found in them. */
function blanked(text: string): string {
  return text
    .replace(/(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, (found) => " ".repeat(found.length))
    .replace(/(?<![\\$])\$(?=\S)[^$\n]*?(?<=\S)\$(?!\d)/g, (found) => " ".repeat(found.length));
}

/** Ends what is emphasised and not yet at its end. `tail` stands after it and is whole. */
function wholeMarks(run: string, tail: string): string {
  const text = tail ? run : run.replace(/(?<!\\)[*_~]+$/, "");
  const outside = blanked(text);
  const open: string[] = [];
  for (const found of outside.matchAll(/(?<!\\)(\*{1,3}|_{1,3}|~~)/g)) {
    const mark = found[0];
    const before = outside[found.index - 1] ?? " ";
    const after = outside[found.index + mark.length] ?? (tail ? "x" : " ");
    const canClose = !/\s/.test(before);
    const canOpen = !/\s/.test(after) && (mark.length > 1 ? mark[0] !== "_" || !/[\p{L}\p{N}]/u.test(before) : !/[\p{L}\p{N}]/u.test(before));
    const at = open.lastIndexOf(mark);
    if (at >= 0 && canClose) open.splice(at);
    else if (mark.length === 3 && canClose && open.length > 0) open.splice(Math.max(0, open.length - 2));
    else if (canOpen) open.push(mark);
  }
  const trimmed = tail ? text + tail : text.trimEnd();
  return trimmed + open.reverse().join("");
}
