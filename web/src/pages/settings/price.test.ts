import { describe, expect, it } from "vitest";
import { priceHash, pricedBy } from "../../parts/noPrice";
import { askedOf, isPlain } from "./SetPrice";

const MODELS = [
  { provider: "local", name: "small" },
  { provider: "openai", name: "gpt-9" },
  { provider: "router", name: "openai/gpt-9" },
];

describe("an address of a price", () => {
  it("leads to its model, slashes and all", () => {
    expect(pricedBy(priceHash("openai/gpt-9", "router"))).toEqual({ provider: "router", model: "openai/gpt-9" });
    expect(pricedBy(priceHash("gpt-9"))).toEqual({ provider: "", model: "gpt-9" });
    expect(pricedBy("providers")).toBeUndefined();
    expect(pricedBy("price:")).toBeUndefined();
  });
});

describe("askedOf", () => {
  it("finds the model, also where its name tells its provider", () => {
    expect(askedOf(MODELS, { provider: "", model: "gpt-9" })).toBe(MODELS[1]);
    expect(askedOf(MODELS, { provider: "router", model: "openai/gpt-9" })).toBe(MODELS[2]);
    expect(askedOf(MODELS.slice(0, 2), { provider: "", model: "openai/gpt-9" })).toBe(MODELS[1]);
    expect(askedOf(MODELS, { provider: "gone", model: "old" })).toEqual({ provider: "gone", name: "old" });
  });
});

describe("isPlain", () => {
  const price = { provider: "p", model: "m", input_pico: 1, output_pico: 1, source: "owner", request_pico: 0 };
  it("is what was set here in three figures, and nothing that would lose some", () => {
    expect(isPlain(price)).toBe(true);
    expect(isPlain({ ...price, tiers: [{}] } as never)).toBe(false);
    expect(isPlain({ ...price, source: "list" })).toBe(false);
    expect(isPlain({ ...price, request_pico: 5 } as never)).toBe(false);
  });
});
