import { describe, expect, it } from "vitest";
import { DAY, planIn, readerOf, Unread } from "./plan";

const at = (text: string) => Date.parse(`${text}Z`);
const bars = (...lines: string[]) => planIn(lines).bars.map((one) => [one.name, new Date(one.from).toISOString().slice(0, 16), new Date(one.to).toISOString().slice(0, 16)]);
const why = (...lines: string[]): string => {
  try {
    planIn(lines);
  } catch (error) {
    if (error instanceof Unread) return `${error.why}: ${error.text}`;
    throw error;
  }
  return "read";
};

describe("readerOf", () => {
  it("reads dates as their format says", () => {
    for (const [format, text] of [
      ["YYYY-MM-DD", "2026-03-02"],
      ["DD-MM-YYYY", "02-03-2026"],
      ["DD/MM/YYYY", "02/03/2026"],
      ["MM/DD/YYYY", "03/02/2026"],
      ["YYYY/MM/DD", "2026/03/02"],
      ["DD.MM.YYYY", "02.03.2026"],
      ["D.M.YYYY", "2.3.2026"],
      ["YYYYMMDD", "20260302"],
      ["D MMM YYYY", "2 Mar 2026"],
      ["MMMM D, YYYY", "March 2, 2026"],
      ["DD-MM-YY", "02-03-26"],
    ] as const)
      expect(readerOf(format)?.(text), format).toBe(at("2026-03-02T00:00"));
  });
  it("reads a time where the format has one, or where a date brings it", () => {
    const moment = at("2026-03-02T14:30");
    expect(readerOf("YYYY-MM-DD HH:mm")?.("2026-03-02 14:30")).toBe(moment);
    expect(readerOf("DD/MM/YYYY HH:mm")?.("02/03/2026 14:30")).toBe(moment);
    expect(readerOf("YYYY-MM-DDTHH:mm")?.("2026-03-02T14:30")).toBe(moment);
    expect(readerOf("YYYY-MM-DD HH:mm:ss")?.("2026-03-02 14:30:00")).toBe(moment);
    expect(readerOf("YYYY-MM-DD")?.("2026-03-02 14:30")).toBe(moment);
    expect(readerOf("DD-MM-YYYY HH:mm")?.("02-03-2026")).toBe(at("2026-03-02T00:00"));
  });
  it("takes nothing that is written otherwise or is no day", () => {
    expect(readerOf("DD-MM-YYYY")?.("2026-03-02")).toBeUndefined();
    expect(readerOf("MM/DD/YYYY")?.("13/02/2026")).toBeUndefined();
    expect(readerOf("YYYY-MM-DD")?.("2026-02-30")).toBeUndefined();
    expect(readerOf("YYYY-MM-DD HH:mm")?.("2026-03-02 25:00")).toBeUndefined();
    for (const format of ["HH:mm", "x", "X", "YYYY-[W]ww", "YYYY", "Do MMM YYYY", "YYYY-MM-MM-DD"]) expect(readerOf(format), format).toBeUndefined();
  });
});

describe("planIn", () => {
  it("places bars by their own format", () => {
    expect(bars("dateFormat DD-MM-YYYY", "a :x, 05-02-2026, 3d", "b :after x, 1w", "c :07-02-2026, 09-02-2026", "d :12h")).toEqual([
      ["a", "2026-02-05T00:00", "2026-02-08T00:00"],
      ["b", "2026-02-08T00:00", "2026-02-15T00:00"],
      ["c", "2026-02-07T00:00", "2026-02-09T00:00"],
      ["d", "2026-02-09T00:00", "2026-02-09T12:00"],
    ]);
  });
  it("lets an end that is a date mean that day too, where it is said", () => {
    expect(bars("inclusiveEndDates", "a :2026-02-05, 2026-02-06")).toEqual([["a", "2026-02-05T00:00", "2026-02-07T00:00"]]);
  });
  it("lengthens a task by the days that are left out, and draws none of them at its end", () => {
    // The 6th of February 2026 is a Friday.
    const { bars: found } = planIn(["excludes weekends", "a :x, 2026-02-05, 3d", "b :2026-02-06, 1d", "c :1d"]);
    expect(found.map((one) => [(one.to - at("2026-02-05T00:00")) / DAY, (one.shown - at("2026-02-05T00:00")) / DAY])).toEqual([
      [5, 5], // Thursday, Friday, Monday
      [4, 2], // Friday alone; what follows begins on Monday
      [5, 5],
    ]);
    expect(bars("excludes weekends, 2026-02-09", "includes 2026-02-07", "a :2026-02-05, 4d")[0]?.[2]).toBe("2026-02-11T00:00");
  });
  it("says what it can't read, and draws nothing of it", () => {
    expect(why("dateFormat DD-MM-YYYY", "a :2026-02-01, 3d")).toBe("dates: 2026-02-01");
    expect(why("dateFormat HH:mm", "a :17:49, 2m")).toBe("dates: HH:mm");
    expect(why("x :somewhen, 3d")).toBe("dates: somewhen");
    expect(why("x :2026-02-01, sometime")).toBe("dates: sometime");
    expect(why("x :after nobody, 3d")).toBe("line: after nobody");
    expect(why("x :3d")).toBe("line: 3d");
    expect(why("excludes holidays", "x :2026-02-01, 3d")).toBe("dates: holidays");
    expect(why("what is this")).toBe("line: what is this");
    expect(why("x :2026-02-03, 2026-02-01")).toBe("line: 2026-02-03, 2026-02-01");
  });
});
