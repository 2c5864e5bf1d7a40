import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { putPriceSchema } from "@wharf/protocol";
import { clearRows, findLockWaits, until, useTestDatabase } from "@wharf/testkit";
import { PRICES } from "@wharf/transcripts";
import { type Database, openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import { transaction } from "../../db/transaction.ts";
import { addResponses } from "../../db/usage/__tests__/add-responses.ts";
import { reprice } from "../../jobs/repricing.ts";
import { priceList, SHIPPED_PRICES } from "../price-list.ts";
import { createPricing, type Pricing, priceResponses } from "../pricing.ts";

const database = useTestDatabase({ migrate: migratePhases });
let pool: Database;
let pricing: Pricing;

beforeAll(() => {
  pool = openDatabase(database.url, { deadlineMs: 10_000, max: 2 });
  pricing = createPricing(pool);
});
afterEach(() => clearRows(database.sql));
afterAll(() => pool.close());

const MILLION = 1_000_000;
const never = new AbortController().signal;

async function priceAll(): Promise<string[]> {
  const keys = await database.sql<
    { agent: string; response_key: string }[]
  >`SELECT agent, response_key FROM model_responses`;
  return await pool.run((sql) => transaction(sql, ({ query }) => priceResponses(query, keys)));
}

async function costs(): Promise<Record<string, [number | null, boolean]>> {
  const rows = await database.sql<{ key: string; usd: number | null; partial: boolean }[]>`
    SELECT response_key AS key, cost_usd::float8 AS usd, cost_is_partial AS partial FROM model_responses ORDER BY 1`;
  return Object.fromEntries(rows.map(({ key, usd, partial }) => [key, [usd, partial]]));
}

async function version(): Promise<unknown> {
  const [row] = await database.sql`SELECT prices_version::int, repriced_version::int FROM repricing`;
  return row;
}

const own = (price: Record<string, unknown>) => putPriceSchema.parse({ provider: "acme", ...price });

describe("the table of prices", () => {
  test("holds what is shipped, and reads back as the package's prices", async () => {
    await pricing.load();
    const rows = await pricing.list();
    expect(rows).toHaveLength(SHIPPED_PRICES.length);
    const byKey = (a: { model: string; from: string | null }, b: typeof a) =>
      `${a.model} ${a.from}`.localeCompare(`${b.model} ${b.from}`);
    const withSortedAliases = PRICES.map((price) => ({ ...price, aliases: [...new Set(price.aliases)] }));
    const read = priceList(rows).map((price) => ({ ...price, aliases: [...new Set(price.aliases)] }));
    expect(read.toSorted(byKey)).toEqual(withSortedAliases.toSorted(byKey));
  });

  test("is loaded again without a change, and loses what is no longer shipped", async () => {
    await pricing.load();
    const before = await pricing.list();
    await pricing.load();
    expect(await pricing.list()).toEqual(before);
    expect(await version()).toEqual({ prices_version: 1, repriced_version: 0 });
    await database.sql`
      INSERT INTO prices (model, kind, provider, source, is_shipped)
      VALUES ('former', 'standard', 'acme', 'list', true), ('former', 'fast', 'acme', 'list', true)`;
    await database.sql`UPDATE prices SET input = 99 WHERE model = 'claude-opus-5' AND kind = 'fast'`;
    await pricing.load();
    const withoutTime = (rows: typeof before) => rows.map(({ updated_at, ...row }) => row);
    expect(withoutTime(await pricing.list())).toEqual(withoutTime(before));
    expect(await version()).toEqual({ prices_version: 2, repriced_version: 0 });
  });

  test("keeps what an administrator wrote, under the name by which responses are looked up", async () => {
    await pricing.load();
    const sent = own({ model: "anthropic/claude-opus-5-20260724", from: "2026-07-24", input: 1, output: 2 });
    expect(await pricing.put(sent)).toMatchObject({ model: "claude-opus-5", input: 1, is_shipped: false });
    await pricing.load();
    const rows = (await pricing.list()).filter(({ model }) => model === "claude-opus-5");
    expect(rows.map(({ speed, input, is_shipped }) => [speed, input, is_shipped])).toEqual([
      ["fast", 10, true],
      [null, 1, false],
    ]);
  });

  test("refuses a price for some requests of a model that has none for the others", async () => {
    const tier = own({ model: "house", above_input_tokens: 1_000, input: 2 });
    expect(await pricing.put(tier)).toBeNull();
    expect(await pricing.put(own({ model: "house", input: 1 }))).not.toBeNull();
    expect(await pricing.put(tier)).toMatchObject({ above_input_tokens: 1_000 });
    expect(await pricing.list()).toHaveLength(2);
  });

  test("counts only changes", async () => {
    const price = own({ model: "house", input: 1 });
    await pricing.put(price);
    await pricing.put(price);
    expect(await version()).toEqual({ prices_version: 1, repriced_version: 0 });
  });
});

describe("pricing responses", () => {
  test("follows tiers, the fast mode, the place of inference, searches and names of gateways", async () => {
    await pricing.load();
    await addResponses(database.sql, [
      { key: "plain", input: MILLION, output: MILLION, cache_read: MILLION },
      { key: "fast", speed: "fast", input: MILLION },
      { key: "us", inference_geo: "us", input: MILLION, web_searches: 3 },
      { key: "gateway", model: "us.anthropic.claude-opus-5-20260724-v1:0", input: MILLION },
      { key: "small", model: "claude-haiku-5-5", input: 100_000 },
      { key: "large", model: "claude-haiku-5-5", input: 100_001 },
      { key: "unknown bucket", input: MILLION, cache_read: null },
      { key: "unknown model", model: "house", input: MILLION },
      { key: "no model", model: null, input: MILLION },
    ]);
    expect(await priceAll()).toEqual(["s-1"]);
    expect(await costs()).toEqual({
      plain: [30.5, false],
      fast: [10, false],
      us: [5.53, false],
      gateway: [5, false],
      small: [0.01, false],
      large: [0.0500005, false],
      "unknown bucket": [5, true],
      "unknown model": [null, false],
      "no model": [null, false],
    });
    expect(await priceAll()).toEqual([]);
  });

  test("uses the shipped prices where no server has loaded them", async () => {
    await addResponses(database.sql, [{ key: "a", input: MILLION }]);
    await priceAll();
    expect(await costs()).toEqual({ a: [5, false] });
  });

  test("prefers an administrator's row to a shipped one, and a later row to an earlier one", async () => {
    await pricing.load();
    await pricing.put(own({ model: "claude-opus-5", input: 3, to: "2026-10-01" }));
    await pricing.put(own({ model: "claude-opus-5", input: 1, from: "2026-11-01" }));
    await addResponses(
      database.sql,
      ["2026-09-30", "2026-10-15", "2026-11-01"].map((at) => ({ key: at, at, input: MILLION })),
    );
    await priceAll();
    expect(await costs()).toEqual({
      "2026-09-30": [3, false],
      "2026-10-15": [5, false],
      "2026-11-01": [1, false],
    });
  });
});

describe("pricing again after a change", () => {
  const keys = ["a", "b", "c", "d", "e"];

  async function sessionCosts() {
    const rows = await database.sql`
      SELECT id, cost_estimate_usd::float8 AS usd, cost_is_partial AS partial FROM sessions ORDER BY id`;
    return [...rows];
  }

  async function addPriced(): Promise<void> {
    await pricing.load();
    await addResponses(database.sql, [
      ...keys.map((key) => ({ key, input: MILLION })),
      { key: "other", session_id: "s-2", model: "house", input: MILLION, cache_read: MILLION },
    ]);
    await reprice(pool, never);
  }

  test("reaches every response and the totals of its session, in pieces, once", async () => {
    await addPriced();
    expect(await sessionCosts()).toEqual([
      { id: "s-1", usd: 25, partial: false },
      { id: "s-2", usd: null, partial: null },
    ]);
    await pricing.put(own({ model: "claude-opus-5", input: 1 }));
    await pricing.put(own({ model: "house", input: 2 }));
    expect(await reprice(pool, never, 2)).toBe(6);
    expect(await sessionCosts()).toEqual([
      { id: "s-1", usd: 5, partial: false },
      { id: "s-2", usd: 2, partial: true },
    ]);
    const [totals] = await database.sql`
      SELECT total_cost_usd::float8 AS usd FROM parent_totals WHERE parent = 'workspace' AND id = 'w'`;
    expect(totals).toEqual({ usd: 7 });
    expect(await reprice(pool, never, 2)).toBe(0);
  });

  test("continues where an interrupted run ended, and begins again after a further change", async () => {
    await addPriced();
    await pricing.put(own({ model: "claude-opus-5", input: 1 }));
    await database.sql`
      UPDATE repricing SET applying_version = prices_version, last_agent = 'claude-code', last_key = 'c'`;
    expect(await reprice(pool, never, 2)).toBe(3);
    expect(await costs()).toMatchObject({ c: [5, false], d: [1, false], e: [1, false] });
    await pricing.put(own({ model: "claude-opus-5", input: 2 }));
    await database.sql`
      UPDATE repricing SET applying_version = prices_version - 1, last_agent = 'claude-code', last_key = 'c'`;
    expect(await reprice(pool, never, 2)).toBe(6);
    expect(await costs()).toMatchObject({ a: [2, false], c: [2, false], e: [2, false] });
  });

  test("does nothing after a signal to stop", async () => {
    await addPriced();
    await pricing.put(own({ model: "claude-opus-5", input: 1 }));
    expect(await reprice(pool, AbortSignal.abort())).toBe(0);
    expect(await version()).toEqual({ prices_version: 2, repriced_version: 1 });
  });

  test("a change of prices waits for a transaction that prices by the former ones", async () => {
    await addPriced();
    let put: Promise<unknown> = Promise.resolve();
    let isChanged = false;
    await pool.run((sql) =>
      transaction(sql, async ({ query }) => {
        await priceResponses(query, [{ agent: "claude-code", response_key: "a" }]);
        put = pricing.put(own({ model: "claude-opus-5", input: 1 })).then(() => {
          isChanged = true;
        });
        await until(async () => (await findLockWaits(database.sql)).length > 0);
        expect(isChanged).toBe(false);
      }),
    );
    await put;
    await reprice(pool, never);
    expect(await costs()).toMatchObject({ a: [1, false] });
  });
});
