import { describe, expect, it } from "vitest";
import { joined, type Sum } from "./data";
import { orderOf, seriesOf, stepOf } from "./series";

const sum = (id: string, bar: string, usd: number, tokens = 0): Sum => ({ id, bar, usd, model: id, provider: "p", calls: 1, failed: 0, input: tokens, cached: 0, output: 0, unpriced: 0 });

describe("series", () => {
  const bars = ["1", "2"];
  it("keep four, largest first", () => {
    const made = seriesOf([sum("a", "1", 1), sum("b", "2", 4), sum("c", "1", 3), sum("d", "2", 2)], bars, "money");
    expect(made.map((one) => [one.id, one.step, one.total])).toEqual([["b", 1, 4], ["c", 2, 3], ["d", 3, 2], ["a", 4, 1]]);
    expect(made[0]?.bars).toEqual([0, 4]);
  });
  it("put all beyond three together when there are five, and lose nothing", () => {
    const rows = ["a", "b", "c", "d", "e"].map((id, index) => sum(id, "1", 5 - index));
    const made = seriesOf(rows, bars, "money");
    expect(made.map((one) => one.id)).toEqual(["a", "b", "c", ""]);
    expect(made.reduce((all, one) => all + one.total, 0)).toBe(15);
    expect([stepOf(made, "a"), stepOf(made, "e")]).toEqual([1, 4]);
  });
  it("follow the unit", () => {
    expect(orderOf([sum("cheap", "1", 0, 100), sum("dear", "1", 9, 1)], "tokens")).toEqual(["cheap", "dear"]);
  });
});

describe("joined", () => {
  it("adds days of one month", () => {
    const rows = joined([sum("a", "2026-11", 1, 5), sum("a", "2026-11", 2, 6), sum("a", "2026-10", 4, 1)]);
    expect(rows.map((row) => [row.bar, row.usd, row.input])).toEqual([["2026-11", 3, 11], ["2026-10", 4, 1]]);
  });
});
