// Finding rows of the palette: what begins with the asked words comes first, then what has a word that begins so, then what holds them.

export interface Row {
  id: string;
  group: string;
  name: string;
  about?: string;
  marks?: readonly [number, number][]; // of the name, where the server said what fits; else what was asked is looked for
  keys?: string;
  words?: string; // more to be found by
  act: () => void;
}

export const BEGINS = 3; // a score: its name, or a word of it, begins with what was asked

/** 0: not found; more is better. */
export function score(row: Row, asked: string): number {
  const wanted = asked.trim().toLowerCase();
  if (!wanted) return 1;
  const name = row.name.toLowerCase();
  if (name.startsWith(wanted)) return 4;
  if (name.split(/[\s,]+/).some((word) => word.startsWith(wanted))) return 3;
  const all = `${name} ${row.about ?? ""} ${row.words ?? ""}`.toLowerCase();
  return wanted.split(/\s+/).every((word) => all.includes(word)) ? 2 : 0;
}

/** The rows that score at least `least` and at most `most`, the best first. */
export function ranked(rows: readonly Row[], asked: string, least = 1, most = 4): Row[] {
  const scored = rows.map((row, order) => ({ row, order, score: score(row, asked) })).filter((one) => one.score >= least && one.score <= most);
  scored.sort((a, b) => b.score - a.score || a.order - b.order);
  return together(scored.map((one) => one.row));
}

/** Rows from several places: those of one group stand together, in the order in which the groups first come. */
export function together(...parts: readonly (readonly Row[])[]): Row[] {
  const all = parts.flat();
  const groups = [...new Set(all.map((row) => row.group))];
  return groups.flatMap((group) => all.filter((row) => row.group === group));
}
