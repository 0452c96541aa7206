// A plan (gantt) of Mermaid's language, read into bars of time. Dates are read as its dateFormat says and no otherwise: one that can't be
// read so is told (Unread), since a bar in the wrong place would be a lie.

export interface Bar {
  name: string;
  section: string;
  from: number; // milliseconds of UTC
  to: number; // where what comes after it begins
  shown: number; // where its bar ends: before the days at its end that are left out
  tags: ReadonlySet<string>;
}

/** What could not be read, for whoever looks at the description instead. */
export class Unread extends Error {
  constructor(
    readonly why: "dates" | "line",
    readonly text: string,
  ) {
    super(text);
  }
}

export const DAY = 86_400_000;
const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: DAY, w: 7 * DAY };
const TAGS = new Set(["done", "active", "crit", "milestone"]);
const MOST_DAYS = 20_000; // that one task is lengthened over
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

// The letters of a dateFormat that are known, and what stands in their place.
const LETTERS: Record<string, string> = { YYYY: "(\\d{4})", YY: "(\\d{2})", MMMM: "([A-Za-z]{3,9})", MMM: "([A-Za-z]{3,9})", MM: "(\\d{2})", M: "(\\d{1,2})", DD: "(\\d{2})", D: "(\\d{1,2})", HH: "(\\d{2})", H: "(\\d{1,2})", mm: "(\\d{2})", ss: "(\\d{2})" };
const LETTER = /YYYY|YY|MMMM|MMM|MM|M|DD|D|HH|H|mm|ss|T|[A-Za-z]+|[^A-Za-z]/g;

type ReadMoment = (text: string) => number | undefined;

/** How dates are read that are written so; undefined where the format is not known here. A time may be left out of a date. */
export function readerOf(format: string): ReadMoment | undefined {
  const parts = format.match(LETTER) ?? [];
  const named = parts.filter((part) => /[A-Za-z]/.test(part) && part !== "T");
  const has = (letter: string) => named.some((part) => part.startsWith(letter));
  if (!has("Y") || !has("M") || !has("D") || named.some((part) => !(part in LETTERS)) || new Set(named.map((part) => part[0])).size !== named.length) return undefined;
  const time = parts.findIndex((part) => /^[Hms]/.test(part));
  const pattern = (of: readonly string[]) => of.map((part) => LETTERS[part] ?? part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("");
  const date = time < 0 ? parts : parts.slice(0, Math.max(0, time - 1));
  const whole = new RegExp(`^${pattern(parts)}$`);
  const short = time < 0 ? whole : new RegExp(`^${pattern(date)}$`);
  // A date alone may bring a time all the same, as it is written everywhere.
  const longer = time < 0 ? new RegExp(`^${pattern(date)}[ T](\\d{2}):(\\d{2})(?::(\\d{2}))?$`) : whole;
  const names = time < 0 ? [...named, "HH", "mm", "ss"] : named;
  return (text) => {
    const found = whole.exec(text) ?? longer.exec(text) ?? short.exec(text);
    return found ? momentOf(names, found.slice(1)) : undefined;
  };
}

function momentOf(names: readonly string[], values: readonly (string | undefined)[]): number | undefined {
  const of: Record<string, number> = { H: 0, m: 0, s: 0 };
  names.forEach((name, index) => {
    const value = values[index];
    if (value === undefined) return;
    const number = name.startsWith("MMM") ? MONTHS.indexOf(value.slice(0, 3).toLowerCase()) + 1 : Number(value);
    of[name[0] ?? ""] = name === "YY" ? 2000 + number : number;
  });
  const { Y = 0, M = 0, D = 0, H = 0, m = 0, s = 0 } = of;
  const time = Date.UTC(Y, M - 1, D, H, m, s);
  const back = new Date(time);
  // The thirty-first of June is no day, and 25 o'clock no hour.
  return back.getUTCMonth() === M - 1 && back.getUTCDate() === D && H < 24 && m < 60 && s < 60 ? time : undefined;
}

interface Rules {
  read: ReadMoment;
  inclusive: boolean; // an end that is a date means that day too
  excluded: (day: number) => boolean;
  excludes: boolean;
}

/** "done, id, 2026-01-05, 3d" and its shorter forms. */
function barOf(name: string, section: string, told: string, known: Map<string, Bar>, before: Bar | undefined, rules: Rules): Bar {
  const words = told.split(",").map((word) => word.trim());
  const tags = new Set<string>();
  while (words[0] !== undefined && TAGS.has(words[0])) tags.add(words.shift() ?? "");
  const id = words.length === 3 ? words.shift() : undefined;
  const end = words.pop() ?? "";
  const start = words.pop();
  if (words.length > 0) throw new Unread("line", told);
  const from = start ? startOf(start, known, rules) : before?.to;
  if (from === undefined) throw new Unread("line", told);
  const bar = { name, section, from, ...endOf(end, from, rules), tags };
  if (bar.to < from) throw new Unread("line", told);
  if (id) known.set(id, bar);
  return bar;
}

function startOf(start: string, known: ReadonlyMap<string, Bar>, rules: Rules): number {
  const after = /^after\s+(.+)$/.exec(start);
  const from = after ? Math.max(...(after[1] ?? "").split(/\s+/).map((one) => known.get(one)?.to ?? NaN)) : rules.read(start);
  if (from === undefined) throw new Unread("dates", start);
  if (Number.isNaN(from)) throw new Unread("line", start);
  return from;
}

function endOf(end: string, from: number, rules: Rules): { to: number; shown: number } {
  const length = /^(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(end);
  if (!length) {
    const told = rules.read(end);
    if (told === undefined) throw new Unread("dates", end);
    const to = told + (rules.inclusive ? DAY : 0);
    return { to, shown: to };
  }
  return lengthened(from, from + Number(length[1]) * (UNITS[length[2] ?? "d"] ?? DAY), rules);
}

/** Days that are left out make a task longer by as many; those at its end are not drawn, and what comes after waits for them. As Mermaid
 *  has it, the day it begins on is not looked at. */
function lengthened(from: number, planned: number, rules: Rules): { to: number; shown: number } {
  let [to, shown] = [planned, planned];
  if (!rules.excludes) return { to, shown };
  for (let day = from + DAY, left = MOST_DAYS, out = false; day <= to; day += DAY, left -= 1) {
    if (left === 0) throw new Unread("line", "excludes");
    if (!out) shown = to;
    out = rules.excluded(day);
    if (out) to += DAY;
  }
  return { to, shown };
}

function excludedOf(excludes: readonly string[], includes: readonly string[], weekend: readonly number[], read: ReadMoment): Rules["excluded"] {
  const days = new Set<number>();
  const dates = new Set<number>();
  for (const one of excludes) {
    const day = WEEKDAYS.indexOf(one);
    const date = read(one);
    if (one === "weekends") for (const each of weekend) days.add(each);
    else if (day >= 0) days.add(day);
    else if (date !== undefined) dates.add(Math.floor(date / DAY));
    else throw new Unread("dates", one);
  }
  const kept = new Set(includes.map((one) => Math.floor((read(one) ?? NaN) / DAY)));
  return (at) => {
    const day = Math.floor(at / DAY);
    return !kept.has(day) && (dates.has(day) || days.has(new Date(at).getUTCDay()));
  };
}

const LOOKS = new Set(["axisFormat", "tickInterval", "todayMarker", "weekday", "click", "displayMode", "topAxis", "accTitle", "accDescr"]);

/** Throws an Unread where something of it can't be read. */
export function planIn(lines: readonly string[]): { title: string; bars: Bar[] } {
  const told = new Map<string, string[]>();
  const tasks: { name: string; section: string; text: string }[] = [];
  let [title, section] = ["", ""];
  for (const line of lines) {
    const [, word = "", rest = ""] = /^\s*(\w+)\s*(.*)$/.exec(line) ?? [];
    const task = /^\s*([^:]+?)\s*:\s*(.+)$/.exec(line);
    if (word === "title") title = rest;
    else if (word === "section") section = rest;
    else if (["dateFormat", "excludes", "includes", "weekend", "inclusiveEndDates"].includes(word)) told.set(word, [...(told.get(word) ?? []), rest.trim()]);
    else if (LOOKS.has(word)) continue;
    else if (task) tasks.push({ name: task[1] ?? "", section, text: task[2] ?? "" });
    else throw new Unread("line", line.trim());
  }
  const format = told.get("dateFormat")?.at(-1) || "YYYY-MM-DD";
  const read = readerOf(format);
  if (!read) throw new Unread("dates", format);
  const listed = (word: string) => (told.get(word) ?? []).flatMap((rest) => rest.toLowerCase().split(/[\s,]+/).filter(Boolean));
  const weekend = told.get("weekend")?.at(-1)?.toLowerCase() === "friday" ? [5, 6] : [6, 0];
  const excludes = listed("excludes");
  const rules: Rules = { read, inclusive: told.has("inclusiveEndDates"), excluded: excludedOf(excludes, listed("includes"), weekend, read), excludes: excludes.length > 0 };
  const known = new Map<string, Bar>();
  const bars: Bar[] = [];
  for (const one of tasks) bars.push(barOf(one.name, one.section, one.text, known, bars[bars.length - 1], rules));
  return { title, bars };
}
