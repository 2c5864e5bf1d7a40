import type { PriceRow } from "@wharf/protocol";
import { PRICES, type Price, type Rates } from "@wharf/transcripts";
import type { PriceToStore } from "../db/usage/prices.ts";

/** The package's prices as rows: one for most requests of a model, one for those with large input, one for its fast mode. */
export const SHIPPED_PRICES: readonly PriceToStore[] = PRICES.flatMap(({ rates, tier, fast, ...price }) => {
  const row = { ...price, ...rates, aliases: [...price.aliases], above_input_tokens: null, speed: null };
  return [
    row,
    ...(tier === null ? [] : [{ ...row, ...tier.rates, above_input_tokens: tier.above_input_tokens }]),
    ...(fast === null ? [] : [{ ...row, ...fast, speed: "fast" as const }]),
  ];
});

/**
 * The prices that rows make, in the order in which they hold: an administrator's before shipped ones, later ones before earlier ones.
 * A row without one for most requests at its side has no effect.
 */
export function priceList(rows: readonly PriceRow[]): Price[] {
  const groups = Map.groupBy(rows, ({ model, from }) => JSON.stringify([model, from]));
  const aliasesOf = Map.groupBy(rows, ({ model }) => model);
  const prices = [...groups.values()].flatMap((group) => {
    const standard = group.find(isStandard);
    if (standard === undefined) return [];
    const tier = group.find(({ above_input_tokens }) => above_input_tokens !== null);
    const fast = group.find(({ speed }) => speed === "fast");
    const { model, provider, from, to, source, is_shipped } = standard;
    const aliases = (aliasesOf.get(model) ?? []).flatMap((row) => row.aliases);
    const price: Price = {
      model,
      provider,
      from,
      to,
      rates: ratesOf(standard),
      tier:
        tier?.above_input_tokens == null
          ? null
          : { above_input_tokens: tier.above_input_tokens, rates: ratesOf(tier) },
      fast: fast === undefined ? null : ratesOf(fast),
      aliases,
      source,
      source_date: standard.source_date ?? "",
    };
    return [{ price, is_shipped }];
  });
  return prices.toSorted(byPrecedence).map(({ price }) => price);
}

type Ranked = { price: Price; is_shipped: boolean };

function byPrecedence(a: Ranked, b: Ranked): number {
  if (a.is_shipped !== b.is_shipped) return a.is_shipped ? 1 : -1;
  return (b.price.from ?? "").localeCompare(a.price.from ?? "");
}

function isStandard({ above_input_tokens, speed }: PriceRow): boolean {
  return above_input_tokens === null && speed === null;
}

function ratesOf({ input, output, cache_read, cache_write_5m, cache_write_1h }: Rates): Rates {
  return { input, output, cache_read, cache_write_5m, cache_write_1h };
}
