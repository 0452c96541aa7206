// Finding rows of the palette: what begins with the asked words comes first, then what has a word that begins so, then what holds them.

export interface Row {
  id: string;
  group: string;
  name: string;
  about?: string;
  keys?: string;
  words?: string; // more to be found by
  act: () => void;
}

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

export function ranked(rows: readonly Row[], asked: string): Row[] {
  const scored = rows.map((row, order) => ({ row, order, score: score(row, asked) })).filter((one) => one.score > 0);
  scored.sort((a, b) => b.score - a.score || a.order - b.order);
  // Rows of one group stand together, in the order of their best.
  const groups = [...new Set(scored.map((one) => one.row.group))];
  return groups.flatMap((group) => scored.filter((one) => one.row.group === group).map((one) => one.row));
}
