// Times: local, 24 h; relative only under a day.

export class Times {
  // Making a format takes a hundred times as long as using it, and a list that is scrolled asks for one a row.
  private readonly cache = new Map<string, Intl.DateTimeFormat>();
  constructor(readonly locale: string) {}

  private form(date: Date, options: Intl.DateTimeFormatOptions): string {
    const key = JSON.stringify(options);
    let found = this.cache.get(key);
    if (!found) this.cache.set(key, (found = new Intl.DateTimeFormat(this.locale, { hourCycle: "h23", ...options })));
    return found.format(date);
  }
  clock(date: Date): string {
    return this.form(date, { hour: "2-digit", minute: "2-digit" });
  }
  seconds(date: Date): string {
    return this.form(date, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  }
  day(date: Date): string {
    return this.form(date, { day: "numeric", month: "short", year: "numeric" });
  }
  dayMonth(date: Date): string {
    return this.form(date, { day: "numeric", month: "long" });
  }
  month(date: Date): string {
    return this.form(date, { month: "long", year: "numeric" });
  }
  monthShort(date: Date): string {
    return this.form(date, { month: "short" });
  }
  monthLong(date: Date): string {
    return this.form(date, { month: "long" });
  }
  /** In a list: "10:42" today, "Mon" within a week, "21 Nov" this year, else with the year. */
  short(date: Date, now = new Date()): string {
    if (date.toDateString() === now.toDateString()) return this.clock(date);
    const days = (now.getTime() - date.getTime()) / 86_400_000;
    if (days > 0 && days < 6) return this.form(date, { weekday: "short" });
    if (date.getFullYear() === now.getFullYear()) return this.form(date, { day: "numeric", month: "short" });
    return this.form(date, { day: "numeric", month: "short", year: "numeric" });
  }
  /** Since when something is: "10:42" today, "9 November" this year, else with the year. */
  since(date: Date, now = new Date()): string {
    if (date.toDateString() === now.toDateString()) return this.clock(date);
    return date.getFullYear() === now.getFullYear() ? this.dayMonth(date) : this.day(date);
  }
  weekday(date: Date): string {
    return this.form(date, { weekday: "short", day: "numeric" });
  }
  full(date: Date): string {
    return this.form(date, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  }
  /** "10:42" today, "25 Nov, 10:42" this year, else with the year. */
  near(date: Date, now = new Date()): string {
    if (date.toDateString() === now.toDateString()) return this.clock(date);
    if (date.getFullYear() === now.getFullYear())
      return this.form(date, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    return this.full(date);
  }
}

export function dateOf(text: string | null | undefined): Date | undefined {
  if (!text) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
