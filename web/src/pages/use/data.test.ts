import { expect, test } from "vitest";
import { attemptsText, costText } from "./data";

const amount = (usd: number) => usd.toFixed(3);

test("what nobody told the price of is no nothing, and what is known of it is told", () => {
  expect(costText({ priced: true, cost_microusd: "4000" }, amount)).toBe("0.004");
  expect(costText({ priced: true, cost_microusd: "0" }, amount)).toBe("0.000");
  expect(costText({ priced: false, cost_microusd: "0" }, amount)).toBeUndefined();
  expect(costText({ priced: false, cost_microusd: "4000" }, amount)).toBe("0.004+");
});

test("who was asked in turn is told where there was a turn", () => {
  expect(attemptsText("gpt-5;answered")).toBeUndefined();
  expect(attemptsText(null)).toBeUndefined();
  expect(attemptsText("a/m;failed=upstream_timeout, b/m;skipped, c/m;answered")).toBe("a/m: failed (upstream_timeout) → b/m: skipped → c/m: answered");
});
