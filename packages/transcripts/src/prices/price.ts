import data from "./prices.json" with { type: "json" };

/** USD per million tokens, by bucket. null: unknown. */
export type Rates = {
  input: number | null;
  output: number | null;
  cache_read: number | null;
  cache_write_5m: number | null;
  cache_write_1h: number | null;
};

/** What a model costs between two days. */
export type Price = {
  model: string;
  provider: string;
  /** First day, ISO 8601; null: from the beginning. */
  from: string | null;
  /** The day from which it no longer holds; null: until now. */
  to: string | null;
  rates: Rates;
  /** For the whole request, when its input with cache is larger. */
  tier: { above_input_tokens: number; rates: Rates } | null;
  /** For responses of the fast mode. */
  fast: Rates | null;
  aliases: readonly string[];
  source: string;
  source_date: string;
};

type RatesInData = Partial<Rates>;

function ratesOf({ input, output, cache_read, cache_write_5m, cache_write_1h }: RatesInData): Rates {
  return {
    input: input ?? null,
    output: output ?? null,
    cache_read: cache_read ?? null,
    cache_write_5m: cache_write_5m ?? null,
    cache_write_1h: cache_write_1h ?? null,
  };
}

/** OpenAI states no rate for cache writes where they cost what input costs. */
function withWrites<Row extends RatesInData & { provider: string }>(row: Row): RatesInData {
  const isInputRate = row.provider === "openai" && (row.cache_write_5m ?? null) === null;
  return isInputRate ? { ...row, cache_write_5m: row.input ?? null } : row;
}

/** Prices as published, each with its source: `prices.json`. */
export const PRICES: readonly Price[] = data.prices.map((row) => ({
  model: row.model,
  provider: row.provider,
  from: row.from,
  to: row.to,
  rates: ratesOf(withWrites(row)),
  tier:
    row.context_tier === null
      ? null
      : { above_input_tokens: row.context_tier.above_input_tokens, rates: ratesOf(row.context_tier) },
  fast: row.fast === null ? null : ratesOf(row.fast),
  aliases: row.aliases,
  source: row.source,
  source_date: row.source_date,
}));

export const WEB_SEARCH_USD = data.extras.anthropic_web_search_per_1000 / 1_000;
export const US_INFERENCE_FACTOR = data.extras.anthropic_us_only_inference_multiplier;
