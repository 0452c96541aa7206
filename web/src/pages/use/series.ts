// From sums to what is drawn: at most four series (a fifth would need a colour that nobody can tell), the rest together as "other".
import type { Sum } from "./data";

export type Unit = "money" | "tokens";

export interface Series {
  id: string; // "" for the others
  step: 1 | 2 | 3 | 4;
  total: number;
  bars: number[]; // in the order of the bars asked for
}

export const MOST_SERIES = 4;

export function valueOf(sum: Pick<Sum, "usd" | "input" | "output">, unit: Unit): number {
  return unit === "money" ? sum.usd : sum.input + sum.output;
}

/** Ids by their value, largest first; those that came to nothing last, by name. */
export function orderOf(sums: readonly Sum[], unit: Unit): string[] {
  const totals = new Map<string, number>();
  for (const sum of sums) totals.set(sum.id, (totals.get(sum.id) ?? 0) + valueOf(sum, unit));
  return [...totals].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([id]) => id);
}

export function seriesOf(sums: readonly Sum[], bars: readonly string[], unit: Unit): Series[] {
  const order = orderOf(sums, unit);
  const alone = order.length > MOST_SERIES ? order.slice(0, MOST_SERIES - 1) : order;
  const place = new Map(alone.map((id, index) => [id, index]));
  const at = new Map(bars.map((bar, index) => [bar, index]));
  const out: Series[] = alone.map((id, index) => ({ id, step: (index + 1) as Series["step"], total: 0, bars: bars.map(() => 0) }));
  if (order.length > alone.length) out.push({ id: "", step: 4, total: 0, bars: bars.map(() => 0) });
  for (const sum of sums) {
    const series = out[place.get(sum.id) ?? out.length - 1];
    const bar = at.get(sum.bar);
    if (!series || bar === undefined) continue;
    const value = valueOf(sum, unit);
    series.bars[bar] = (series.bars[bar] ?? 0) + value;
    series.total += value;
  }
  return out;
}

/** The colour step of an id among the series: 4 for those that stand together. */
export function stepOf(series: readonly Series[], id: string): Series["step"] {
  return series.find((one) => one.id === id)?.step ?? 4;
}
