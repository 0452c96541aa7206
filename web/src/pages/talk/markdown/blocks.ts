// A message's text cut into blocks at the top level, so that while an answer arrives only its last block is read and drawn again: what is
// before it can't change any more. The cut is careful: it may leave two blocks together, it never parts one. Lines of code between fences
// never reach the markdown reader at all.

export type Block =
  | { kind: "text"; raw: string }
  | { kind: "code"; language: string; code: string; open: boolean }
  | { kind: "math"; tex: string; open: boolean }
  | { kind: "note"; label: string; raw: string } // a footnote: it stands at the end, wherever it was written
  | { kind: "plain"; raw: string }; // too large to be read as markdown: shown as it is

export const LARGEST_BLOCK = 20_000; // letters; a reader's time may grow faster than its input
export const LARGEST_CODE = 100_000;

const FENCE = /^( {0,3})(`{3,}|~{3,})[ \t]*([^\n]*)$/;
const LIST = /^ {0,3}(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)/;
const DEFINITION = /^ {0,3}\[(?!\^)[^\]\n]{1,200}\]:[ \t]*\S/;
const NOTE = /^ {0,3}\[\^([^\]\s]{1,60})\]:[ \t]?(.*)$/;
const MATH_OPEN = /^ {0,3}(?:\$\$|\\\[)/;

interface Fence {
  mark: string;
  indent: number;
  language: string;
}

function fenceOf(line: string): Fence | undefined {
  const found = FENCE.exec(line);
  if (!found) return undefined;
  const [, indent = "", mark = "", info = ""] = found;
  if (mark.startsWith("`") && info.includes("`")) return undefined; // a code span, not a fence
  return { mark, indent: indent.length, language: info.trim().split(/\s+/)[0] ?? "" };
}

function closes(line: string, fence: Fence): boolean {
  const bare = line.trim();
  return bare.length >= fence.mark.length && [...bare].every((letter) => letter === fence.mark[0]) && line.search(/\S/) <= 3;
}

/** A last line that is the beginning of the fence's end, which is still arriving. */
function beginsToClose(line: string, fence: Fence): boolean {
  const bare = line.trim();
  return bare !== "" && bare.length < fence.mark.length && [...bare].every((letter) => letter === fence.mark[0]);
}

/** Cuts lines into blocks. A cutter is used once, over one text. */
class Cutter {
  readonly blocks: Block[] = [];
  private lines: string[] = [];
  private inList = false;
  private quoted = false; // indented code or a list: blank lines don't end it
  private blank = false;

  constructor(private readonly all: readonly string[]) {}

  run(): Block[] {
    let at = 0;
    while (at < this.all.length) at = this.step(at);
    this.flush();
    return this.blocks;
  }

  private step(at: number): number {
    const line = this.all[at] ?? "";
    const deeper = /^(?: {2,}|\t)/.test(line) && (this.inList || this.quoted) && this.lines.length > 0;
    if (!deeper) {
      const fence = fenceOf(line);
      if (fence) return this.code(at, fence);
      if (MATH_OPEN.test(line) && (this.lines.length === 0 || this.blank || !this.inList)) {
        const after = this.math(at);
        if (after !== undefined) return after;
      }
      const note = NOTE.exec(line);
      if (note) return this.note(at, note[1] ?? "", note[2] ?? "");
    }
    if (line.trim() === "") {
      this.blank = true;
      if (!this.inList && !this.quoted) this.flush();
      else this.lines.push(line);
      return at + 1;
    }
    const goesOn = deeper || (this.inList && LIST.test(line)) || (this.inList && !this.blank);
    if (this.blank && this.lines.length > 0 && !goesOn) this.flush();
    if (this.lines.length === 0) {
      this.inList = LIST.test(line);
      this.quoted = /^(?: {4}|\t)/.test(line);
    } else if (!this.inList && LIST.test(line) && !this.quoted) {
      this.inList = true; // a list may begin without a blank line before it
    }
    this.lines.push(line);
    this.blank = false;
    return at + 1;
  }

  private code(at: number, fence: Fence): number {
    this.flush();
    let end = at + 1;
    while (end < this.all.length && !closes(this.all[end] ?? "", fence)) end += 1;
    const body = this.all.slice(at + 1, end).map((line) => (fence.indent > 0 ? line.replace(new RegExp(`^ {1,${fence.indent}}`), "") : line));
    const open = end >= this.all.length;
    if (open && beginsToClose(body[body.length - 1] ?? "", fence)) body.pop();
    this.blocks.push({ kind: "code", language: fence.language, code: body.join("\n"), open });
    return end + 1;
  }

  /** A footnote with what belongs to it: the lines up to a blank one, and after that those that are indented. */
  private note(at: number, label: string, first: string): number {
    this.flush();
    const lines = [first];
    let end = at + 1;
    for (let blank = false; end < this.all.length; end += 1) {
      const line = this.all[end] ?? "";
      const indented = /^(?: {2,}|\t)/.test(line);
      if (line.trim() === "") blank = true;
      else if (!indented && (blank || NOTE.test(line) || fenceOf(line))) break;
      else blank = false;
      lines.push(line.replace(/^(?: {1,4}|\t)/, ""));
    }
    this.blocks.push({ kind: "note", label, raw: lines.join("\n").trim().slice(0, LARGEST_BLOCK) });
    return end;
  }

  /** Display maths from its own line on; undefined where the line only mentions it. */
  private math(at: number): number | undefined {
    const first = (this.all[at] ?? "").trim();
    const [opening, closing] = first.startsWith("$$") ? ["$$", "$$"] : ["\\[", "\\]"];
    const rest = first.slice(opening.length);
    const same = rest.indexOf(closing);
    if (same >= 0) {
      if (rest.slice(same + closing.length).trim() !== "") return undefined;
      this.flush();
      this.blocks.push({ kind: "math", tex: rest.slice(0, same).trim(), open: false });
      return at + 1;
    }
    this.flush();
    const tex = [rest];
    for (let end = at + 1; end < this.all.length; end += 1) {
      const line = this.all[end] ?? "";
      const closed = line.indexOf(closing);
      if (closed >= 0) {
        tex.push(line.slice(0, closed));
        this.blocks.push({ kind: "math", tex: tex.join("\n").trim(), open: false });
        const more = line.slice(closed + closing.length);
        if (more.trim()) this.lines.push(more);
        return end + 1;
      }
      tex.push(line);
    }
    this.blocks.push({ kind: "math", tex: tex.join("\n").trim(), open: true });
    return this.all.length;
  }

  private flush(): void {
    while (this.lines.length > 0 && this.lines[this.lines.length - 1]?.trim() === "") this.lines.pop();
    const raw = this.lines.join("\n");
    this.lines = [];
    this.inList = this.quoted = this.blank = false;
    if (raw === "") return;
    if (raw.length <= LARGEST_BLOCK) this.blocks.push({ kind: "text", raw });
    else for (let from = 0; from < raw.length; from += LARGEST_BLOCK) this.blocks.push({ kind: "plain", raw: raw.slice(from, from + LARGEST_BLOCK) });
  }
}

export function blocksOf(text: string): Block[] {
  return new Cutter(text.replace(/\r\n?/g, "\n").split("\n")).run();
}

/** The link definitions of a text ("[a]: https://…"), which hold in every block of it. */
export function definitionsOf(text: string): string {
  if (!text.includes("]:")) return "";
  return text
    .split("\n")
    .filter((line) => line.length < 2_000 && DEFINITION.test(line))
    .slice(0, 200)
    .join("\n");
}

/** Cuts a text that grows at its end: blocks before the last stay the same objects, and only the text from the last one on is cut again. */
export class GrowingBlocks {
  private text = "";
  private blocks: Block[] = [];
  private keptLength = 0; // of `text`, that the blocks before the last came from
  private kept: Block[] = [];

  of(text: string): Block[] {
    if (text === this.text) return this.blocks;
    if (!text.startsWith(this.text.slice(0, this.keptLength)) || text.length < this.keptLength) {
      this.kept = [];
      this.keptLength = 0;
    }
    const fresh = blocksOf(text.slice(this.keptLength));
    this.settle(text, fresh);
    this.text = text;
    this.blocks = [...this.kept, ...fresh.slice(this.settled)];
    return this.blocks;
  }

  private settled = 0; // how many of the fresh ones were kept just now

  /** Keeps what can't change: all that ends before the last blank line outside of code, if what follows it is a block by itself. */
  private settle(text: string, fresh: Block[]): void {
    this.settled = 0;
    if (fresh.length < 2) return;
    const tail = text.slice(this.keptLength);
    // The last cut that gives the same blocks on both sides: after a blank line, found from the end.
    for (let cut = tail.lastIndexOf("\n\n"); cut > 0; cut = tail.lastIndexOf("\n\n", cut - 1)) {
      const after = blocksOf(tail.slice(cut + 2));
      if (after.length === 0 || after.length >= fresh.length) continue;
      const before = fresh.slice(0, fresh.length - after.length);
      if (!sameBlocks(after, fresh.slice(fresh.length - after.length)) || !sameBlocks(blocksOf(tail.slice(0, cut)), before)) return;
      this.kept = [...this.kept, ...before];
      this.keptLength += cut + 2;
      this.settled = before.length;
      return;
    }
  }
}

function sameBlocks(a: readonly Block[], b: readonly Block[]): boolean {
  return a.length === b.length && a.every((one, index) => JSON.stringify(one) === JSON.stringify(b[index]));
}
