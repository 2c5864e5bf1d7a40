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

/** The row of a day for ordinary requests, or the first one for a day before it; the server's own choice also knows names with a date. */
export function priceOf(prices: readonly PriceRow[], model: string | null, at: string): PriceRow | null {
  if (model === null) return null;
  const day = at.slice(0, 10);
  const rows = prices.filter(
    ({ model: name, aliases, above_input_tokens, speed }) =>
      (name === model || aliases.includes(model) || model.startsWith(`${name}-2`)) &&
      above_input_tokens === null &&
      speed === null,
  );
  const holds = ({ from, to }: PriceRow) => (from === null || from <= day) && (to === null || day < to);
  const [first] = rows.toSorted((a, b) => (a.from ?? "").localeCompare(b.from ?? ""));
  return rows.find(holds) ?? first ?? null;
}
