import type { PriceRow, SessionTranscript } from "@wharf/protocol";

export type Model = SessionTranscript["models"][number];

export type Bucket = {
  name: string;
  tokens: number | null;
  /** In US dollars for a million tokens; empty: none is known. */
  rates: number[];
};

/** The tokens of a model by bucket, each with its prices. */
export function bucketsOf(model: Model, price: PriceRow | null): Bucket[] {
  const bucket = (name: string, tokens: number | null, ...rates: (number | null | undefined)[]): Bucket => ({
    name,
    tokens,
    rates: rates.filter((rate) => rate !== null && rate !== undefined),
  });
  return [
    bucket("Input", model.tokens_in, price?.input),
    bucket("Cache read", model.cache_read_tokens, price?.cache_read),
    bucket("Cache write", model.cache_write_tokens, price?.cache_write_5m, price?.cache_write_1h),
    bucket("Output", model.tokens_out, price?.output),
  ];
}

/** The row of a day for ordinary requests; the server's own choice also knows names with a date. */
export function priceOf(prices: readonly PriceRow[], model: string | null, at: string): PriceRow | null {
  if (model === null) return null;
  const day = at.slice(0, 10);
  const found = prices.find(
    ({ model: name, aliases, from, to, above_input_tokens, speed }) =>
      (name === model || aliases.includes(model) || model.startsWith(`${name}-2`)) &&
      above_input_tokens === null &&
      speed === null &&
      (from === null || from <= day) &&
      (to === null || day < to),
  );
  return found ?? null;
}
