import type { Usage } from "../contract.ts";
import { modelName } from "./model-name.ts";
import { PRICES, type Price, type Rates, US_INFERENCE_FACTOR, WEB_SEARCH_USD } from "./price.ts";

/** What is priced of a response. */
export type Billed = {
  model: string | null;
  /** ISO 8601; null: the newest price. */
  at: string | null;
  usage: Usage;
  speed: string | null;
  inference_geo: string | null;
};

/** `is_partial`: tokens of a bucket have no known price, or are not known. They are not in `usd`. */
export type Cost = { usd: number; is_partial: boolean };

const BUCKETS = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"] as const;
const MILLION = 1_000_000;
/** Of a US dollar: what floating point adds is far below. */
const DECIMALS = 10;

/** The price of a model at a time, by its exact name or an alias; null for a model without one. */
export function findPrice(
  model: string | null,
  at: string | null,
  prices: readonly Price[] = PRICES,
): Price | null {
  if (model === null) return null;
  const name = modelName(model);
  const rows = prices.filter((price) => price.model === name || price.aliases.includes(name));
  const day = at?.slice(0, 10) ?? null;
  const holds = ({ from, to }: Price) =>
    day === null ? to === null : (from === null || from <= day) && (to === null || day < to);
  // A response from before the first known day is priced as on it.
  const first = rows.toSorted((a, b) => (a.from ?? "").localeCompare(b.from ?? ""))[0];
  return rows.find(holds) ?? first ?? null;
}

/** null for a model without a price: it has no cost, and is listed by its name. */
export function costOf(billed: Billed, prices: readonly Price[] = PRICES): Cost | null {
  const price = findPrice(billed.model, billed.at, prices);
  if (price === null) return null;
  const rates = ratesFor(price, billed);
  const { usage } = billed;
  let usd = 0;
  let isPartial = false;
  for (const bucket of BUCKETS) {
    const tokens = usage[bucket];
    const rate = rates[bucket];
    if (tokens === 0) continue;
    if (tokens === null || rate === null) isPartial = true;
    else usd += (tokens * rate) / MILLION;
  }
  if (price.provider === "anthropic") {
    if (billed.inference_geo === "us") usd *= US_INFERENCE_FACTOR;
    usd += (usage.web_searches ?? 0) * WEB_SEARCH_USD;
  }
  return { usd: Number(usd.toFixed(DECIMALS)), is_partial: isPartial };
}

function ratesFor({ rates, tier, fast }: Price, { speed, usage }: Billed): Rates {
  if (speed === "fast" && fast !== null) return fast;
  const inputs = [usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h];
  const inputTokens = inputs.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0);
  return tier !== null && inputTokens > tier.above_input_tokens ? tier.rates : rates;
}
