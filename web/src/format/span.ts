// Spans of days in the person's own time zone: a week, a month, a year, stepped through one by one. Days are told to the server as
// instants (it sums by instants) and named as "2026-11-25".

export type SpanKind = "week" | "month" | "year";

export interface Span {
  kind: SpanKind;
  from: Date; // local midnight
  to: Date; // local midnight after the last day
  days: string[]; // every day in it
}

export function dayName(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Local midnight of "2026-11-25"; undefined if it is no day. */
export function dayStart(name: string): Date | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(name);
  if (!found) return undefined;
  const date = new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]));
  return dayName(date) === name ? date : undefined;
}

export function dayAfter(date: Date, days = 1): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
}

/** The span of this kind that holds `day`. Weeks begin on Monday. */
export function spanAt(kind: SpanKind, day: Date): Span {
  const y = day.getFullYear();
  const m = day.getMonth();
  let from: Date;
  let to: Date;
  if (kind === "year") [from, to] = [new Date(y, 0, 1), new Date(y + 1, 0, 1)];
  else if (kind === "month") [from, to] = [new Date(y, m, 1), new Date(y, m + 1, 1)];
  else {
    from = new Date(y, m, day.getDate() - ((day.getDay() + 6) % 7));
    to = dayAfter(from, 7);
  }
  const days: string[] = [];
  for (let d = from; d < to; d = dayAfter(d)) days.push(dayName(d));
  return { kind, from, to, days };
}

export function stepped(span: Span, by: -1 | 1): Span {
  return spanAt(span.kind, by < 0 ? dayAfter(span.from, -1) : span.to);
}

/** What the span's bars stand for: each day, or in a year each month ("2026-11"). */
export function barsOf(span: Span): string[] {
  return span.kind === "year" ? [...new Set(span.days.map((d) => d.slice(0, 7)))] : span.days;
}

export function barOf(span: Span, day: string): string {
  return span.kind === "year" ? day.slice(0, 7) : day;
}

/** The instants that a bar covers. */
export function instantsOf(bar: string): { from: Date; to: Date } | undefined {
  const month = /^(\d{4})-(\d{2})$/.exec(bar);
  if (month) {
    const [y, m] = [Number(month[1]), Number(month[2]) - 1];
    return { from: new Date(y, m, 1), to: new Date(y, m + 1, 1) };
  }
  const from = dayStart(bar);
  return from && { from, to: dayAfter(from) };
}

/** How much of the span has gone by `now`, 0 to 1. */
export function elapsed(span: Span, now: Date): number {
  const whole = span.to.getTime() - span.from.getTime();
  return Math.min(1, Math.max(0, (now.getTime() - span.from.getTime()) / whole));
}
