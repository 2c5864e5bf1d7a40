import type { PriceRow, PutPrice } from "@wharf/protocol";
import { costOf, modelName, PRICES, type Price } from "@wharf/transcripts";
import type { Database } from "../db/database.ts";
import { transaction } from "../db/transaction.ts";
import {
  deleteFormerPrices,
  hasStandardPrice,
  lockPrices,
  type PriceToStore,
  type Query,
  readPrices,
  readPricesToApply,
  storePrices,
} from "../db/usage/prices.ts";
import { countPriceChange } from "../db/usage/repricing.ts";
import {
  type BilledResponse,
  type ResponseCost,
  type ResponseKey,
  readBilled,
  writeCosts,
} from "../db/usage/response-costs.ts";
import { priceList, SHIPPED_PRICES } from "./price-list.ts";

export type Pricing = {
  /** Every row of the table, by model and day. */
  list(): Promise<PriceRow[]>;
  /** Stores what an administrator states. Null: there is no row for most requests of this model and day, which it needs. */
  put(price: PutPrice): Promise<PriceRow | null>;
  /** Makes the shipped rows those of this version. Repeating it changes nothing. */
  load(): Promise<void>;
};

/** The table of prices. What is priced already follows by the job in jobs/repricing.ts. */
export function createPricing(database: Database): Pricing {
  /** `change` answers whether prices changed. */
  async function changePrices(change: (query: Query) => Promise<boolean>): Promise<void> {
    await database.run((sql) =>
      transaction(sql, async ({ query }) => {
        await lockPrices(query);
        if (await change(query)) await countPriceChange(query);
      }),
    );
  }

  async function put({ model, aliases, ...sent }: PutPrice): Promise<PriceRow | null> {
    const price = { ...sent, model: modelName(model), aliases: aliases.map(modelName), source_date: null };
    let isPossible = true;
    await changePrices(async (query) => {
      const isStandard = price.above_input_tokens === null && price.speed === null;
      isPossible = isStandard || (await hasStandardPrice(query, price.model, price.from));
      return isPossible && (await storePrices(query, [price], false)) > 0;
    });
    if (!isPossible) return null;
    const rows = await database.run((sql) => readPrices(sql));
    return rows.find((row) => isSameRow(row, price)) ?? null;
  }

  async function load(): Promise<void> {
    await changePrices(async (query) => {
      const deleted = await deleteFormerPrices(query, SHIPPED_PRICES);
      return deleted + (await storePrices(query, SHIPPED_PRICES, true)) > 0;
    });
  }

  return { list: () => database.run((sql) => readPrices(sql)), put, load };
}

function isSameRow(row: PriceRow, { model, from, above_input_tokens, speed }: PriceToStore): boolean {
  const isLarge = above_input_tokens !== null;
  return (
    row.model === model &&
    row.from === from &&
    row.speed === speed &&
    (row.above_input_tokens !== null) === isLarge
  );
}

/**
 * Prices these responses by the table, within the transaction that wrote or locked them. Returns the sessions that own those whose
 * cost changed.
 */
export async function priceResponses(query: Query, keys: readonly ResponseKey[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const prices = pricesOf(await readPricesToApply(query));
  const billed = await readBilled(query, keys);
  return await writeCosts(
    query,
    billed.map((response) => price(response, prices)),
  );
}

/** The prices that hold now, for costs that are not kept with responses. */
export async function readPriceList(query: Query): Promise<readonly Price[]> {
  return pricesOf(await readPrices(query));
}

/** Without rows no server has loaded them yet. */
function pricesOf(rows: readonly PriceRow[]): readonly Price[] {
  return rows.length === 0 ? PRICES : priceList(rows);
}

function price(response: BilledResponse, prices: readonly Price[]): ResponseCost {
  const { agent, response_key, model, at, speed, inference_geo, ...usage } = response;
  const cost = costOf({ model, at, speed, inference_geo, usage }, prices);
  return { agent, response_key, cost_usd: cost?.usd ?? null, cost_is_partial: cost?.is_partial ?? false };
}
