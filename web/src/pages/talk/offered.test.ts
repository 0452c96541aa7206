import { describe, expect, it } from "vitest";
import type { ModelName } from "../../api/talk";
import { offered } from "./offered";

const model = (id: string, owned_by: string, refused = false): ModelName => ({ id, owned_by, ...(refused ? { problem: "key_refused" } : {}) });

describe("offered", () => {
  it("leaves out what can't answer, and names the provider that refuses its key once", () => {
    const { names, refused } = offered([model("fast", "steward"), model("a", "mistral", true), model("b", "mistral", true), model("c", "openai")]);
    expect(names).toEqual(["fast", "c"]);
    expect(refused).toEqual([{ provider: "mistral", models: 2 }]);
  });
  it("offers all where nobody refuses", () => {
    expect(offered([model("a", "openai")])).toEqual({ names: ["a"], refused: [] });
  });
});
