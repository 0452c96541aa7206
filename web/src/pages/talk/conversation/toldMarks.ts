// Where memory stands in what a model was told: the message of it that holds the most of what was remembered, and the places there. The server
// tells the words of both, so the words are looked for; what it cut or laid out otherwise is looked for line by line.
import type { Told, ToldPiece } from "../../../api/memory";

export type Range = readonly [from: number, to: number];

const SHORTEST_LINE = 4; // letters: shorter ones stand anywhere

/** The ranges of one text that hold what was remembered, in order and apart. */
export function rangesIn(text: string, pieces: readonly ToldPiece[]): Range[] {
  const found: Range[] = [];
  let from = 0;
  const find = (words: string): boolean => {
    if (!words) return false;
    let at = text.indexOf(words, from);
    if (at < 0) at = text.indexOf(words);
    if (at < 0) return false;
    from = at + words.length;
    found.push([at, from]);
    return true;
  };
  for (const one of pieces)
    for (const { text: said } of one.messages)
      if (!find(said.trim())) for (const line of said.split("\n")) if (line.trim().length >= SHORTEST_LINE) find(line.trim());
  return apart(found);
}

function apart(ranges: Range[]): Range[] {
  const out: Range[] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = out[out.length - 1];
    if (last && from <= last[1]) out[out.length - 1] = [last[0], Math.max(last[1], to)];
    else out.push([from, to]);
  }
  return out;
}

/** Which message holds memory, and where in it; nothing where none of it is found. */
export function memoryIn(told: Pick<Told, "messages" | "memory">): { index: number; ranges: Range[] } | undefined {
  let best: { index: number; ranges: Range[]; letters: number } | undefined;
  for (const [index, { role, text }] of told.messages.entries()) {
    if (role === "assistant") continue;
    const ranges = rangesIn(text, told.memory);
    const letters = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
    if (letters > (best?.letters ?? 0)) best = { index, ranges, letters };
  }
  return best && { index: best.index, ranges: best.ranges };
}
