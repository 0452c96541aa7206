import { describe, expect, it } from "vitest";
import { csvOf } from "./csv";
import { Figures, scaleOf, usdOf } from "./numbers";
import { barsOf, dayName, dayStart, elapsed, instantsOf, spanAt, stepped } from "./span";
import { Times } from "./when";

describe("figures", () => {
  const en = new Figures("en-GB");
  it("reads the ledger's millionths", () => {
    expect(usdOf("1234567.5")).toBeCloseTo(1.2345675, 10);
    expect(usdOf(null)).toBe(0);
    expect(usdOf("no number")).toBe(0);
  });
  it("shows as many decimals as its largest needs", () => {
    expect(en.money(41.2)).toBe("$41.20");
    expect(en.money(0.0312)).toBe("$0.0312");
    expect(en.money(0.000051)).toBe("$0.000051");
    expect(en.money(0)).toBe("$0.00");
    expect(scaleOf([0.00001, 3])).toBe(2);
  });
  it("shortens large counts by their language's own units", () => {
    expect(en.count(99_999)).toBe("99,999");
    expect(en.count(38_400_000)).toBe("38.4 M");
    expect(en.count(2_120_000_000)).toBe("2.12 B");
    expect(new Figures("zh-CN").count(38_400_000)).toBe("3840万");
  });
  it("tells durations and sizes", () => {
    expect(en.duration(312_000)).toBe("312 ms");
    expect(en.duration(1_234_567)).toBe("1.2 s");
    expect(en.duration(100_000_000)).toBe("1 min 40 s");
    expect(en.duration(0)).toBe("–");
    expect(en.bytes(145_000_000)).toBe("145 MB");
    expect(en.percent(1, 3)).toBe("33 %");
    expect(en.percent(1, 0)).toBe("0 %");
  });
});

describe("spans", () => {
  it("hold every day once, also where clocks change", () => {
    expect(spanAt("month", new Date(2026, 1, 10)).days).toHaveLength(28);
    expect(spanAt("year", new Date(2028, 5, 1)).days).toHaveLength(366);
    const march = spanAt("month", new Date(2026, 2, 29));
    expect(new Set(march.days).size).toBe(31);
  });
  it("begin weeks on Monday", () => {
    const week = spanAt("week", new Date(2026, 10, 29)); // a Sunday
    expect(week.days).toEqual(["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"]);
  });
  it("step back and forth", () => {
    const november = spanAt("month", new Date(2026, 10, 29));
    expect(stepped(november, -1).days[0]).toBe("2026-10-01");
    expect(stepped(stepped(november, 1), -1)).toEqual(november);
  });
  it("have months for bars in a year", () => {
    expect(barsOf(spanAt("year", new Date(2026, 0, 1)))).toHaveLength(12);
    const month = instantsOf("2026-02");
    expect(month && [dayName(month.from), dayName(month.to)]).toEqual(["2026-02-01", "2026-03-01"]);
  });
  it("refuse what is no day", () => {
    expect(dayStart("2026-02-30")).toBeUndefined();
    expect(instantsOf("yesterday")).toBeUndefined();
  });
  it("know how far they are", () => {
    const day = spanAt("week", new Date(2026, 10, 25));
    expect(elapsed(day, day.from)).toBe(0);
    expect(elapsed(day, new Date(day.to.getTime() + 5))).toBe(1);
  });
});

describe("times", () => {
  it("are local, of 24 hours, with the year only where it is another", () => {
    const times = new Times("en-GB");
    const now = new Date(2026, 10, 29, 12);
    expect(times.near(new Date(2026, 10, 29, 0, 5), now)).toBe("00:05");
    expect(times.near(new Date(2026, 9, 2, 14, 30), now)).toMatch(/^2 Oct,? 14:30$/);
    expect(times.near(new Date(2025, 9, 2, 14, 30), now)).toContain("2025");
  });
});

describe("csv", () => {
  it("quotes what RFC 4180 says and disarms formulas", () => {
    expect(csvOf(["a", "b"], [['x "y", z', 1.5], ["=1+1", -2]])).toBe('a,b\r\n"x ""y"", z",1.5\r\n\'=1+1,-2\r\n');
  });
});
