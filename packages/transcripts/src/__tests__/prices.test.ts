import { expect, test } from "bun:test";
import { type Billed, costOf, findPrice, modelName, NO_USAGE, PRICES, type Usage } from "../index.ts";

function billed(model: string | null, usage: Partial<Usage>, more: Partial<Billed> = {}): Billed {
  const zero: Usage = {
    ...NO_USAGE,
    input: 0,
    output: 0,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
  };
  const at = "2026-11-01T00:00:00.000Z";
  return { model, at, usage: { ...zero, ...usage }, speed: null, inference_geo: null, ...more };
}

test.each([
  ["claude-opus-5", "claude-opus-5"],
  ["anthropic/claude-opus-5", "claude-opus-5"],
  ["openrouter/anthropic/claude-opus-5", "claude-opus-5"],
  ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"],
  ["claude-sonnet-4-5@20250929", "claude-sonnet-4-5"],
  ["claude-sonnet-4-6[1m]", "claude-sonnet-4-6"],
  [" GPT-5.5 ", "gpt-5.5"],
  ["claude-3-5-sonnet-20241022", "claude-3-5-sonnet"],
])("prices %s as %s", (model, name) => {
  expect(modelName(model)).toBe(name);
});

test("adds the buckets at their own rates", () => {
  const usage = {
    input: 1_000,
    output: 2_000,
    cache_read: 3_000,
    cache_write_5m: 4_000,
    cache_write_1h: 5_000,
  };
  // sonnet-5: 2 / 10 / 0.2, writes 2.5 and 4.
  expect(costOf(billed("claude-sonnet-5", usage))).toEqual({ usd: 0.0526, is_partial: false });
});

test("takes the price of the day, the newest without a time, and the first one before all", () => {
  const inputOn = (at: string | null) => findPrice("gpt-5.6-sol", at)?.rates.input;
  expect(inputOn("2026-08-31T23:59:59.000Z")).toBe(5);
  expect(inputOn("2026-09-01T00:00:00.000Z")).toBe(4);
  expect(inputOn(null)).toBe(4);
  expect(inputOn("2020-01-01T00:00:00.000Z")).toBe(5);
  expect(findPrice("gpt-5.6", "2026-10-01")?.rates.input).toBe(4);
});

test("raises the rates of the whole request above the tier's input, with its cache", () => {
  const below = costOf(billed("gpt-6-sol", { input: 100_000, cache_read: 172_000 }));
  const above = costOf(billed("gpt-6-sol", { input: 100_001, cache_read: 172_000 }));
  expect(below?.usd).toBe(0.2344);
  expect(above?.usd).toBe(0.468804);
});

test("prices the fast mode, searches and inference in the US", () => {
  expect(costOf(billed("claude-opus-5-5", { output: 50 }, { speed: "fast" }))?.usd).toBe(0.002);
  expect(costOf(billed("claude-sonnet-5", { output: 50 }, { speed: "fast" }))?.usd).toBe(0.0005);
  expect(costOf(billed("claude-sonnet-5", { output: 1_000, web_searches: 2 }))?.usd).toBe(0.03);
  expect(costOf(billed("claude-sonnet-5", { output: 1_000 }, { inference_geo: "us" }))?.usd).toBe(0.011);
});

test("has no cost for an unknown model, and marks an unknown bucket", () => {
  for (const model of [null, "", "claude-opus-55", "gpt", "sonnet"])
    expect(costOf(billed(model, { input: 5 }))).toBeNull();
  expect(costOf(billed("gpt-5.5", { input: 1_000, cache_write_1h: 5 }))?.is_partial).toBe(true);
  expect(costOf(billed("claude-sonnet-5", { output: null, input: 1_000 }))).toEqual({
    usd: 0.002,
    is_partial: true,
  });
});

test("prices cache writes without a rate of their own as input for OpenAI alone", () => {
  const openai = findPrice("o3", null)?.rates;
  expect(openai?.cache_write_5m).toBe(openai?.input ?? -1);
  expect(findPrice("gemini-2.5-pro", null)?.rates.cache_write_5m).toBeNull();
});

test("each price has a source, and no model two prices on one day", () => {
  for (const price of PRICES) {
    expect(price.source).not.toBe("");
    expect(price.rates.input).toBeGreaterThan(0);
    expect(modelName(price.model)).toBe(price.model);
    const others = PRICES.filter((other) => other !== price && other.model === price.model);
    for (const { from, to } of others)
      expect(
        (to !== null && to <= (price.from ?? "")) || (price.to !== null && price.to <= (from ?? "")),
      ).toBe(true);
  }
});
