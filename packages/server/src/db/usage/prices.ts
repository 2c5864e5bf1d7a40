import { one } from "@wharf/job-runner";
import type { PriceRow } from "@wharf/protocol";
import type { Connection } from "../connection.ts";

/** A row to store; the table adds who wrote it and when. */
export type PriceToStore = Omit<PriceRow, "is_shipped" | "updated_at">;
/** Of a pool or of a transaction. */
export type Query = Connection["query"];

/** All rows, in the order of their keys. */
export async function readPrices(query: Query): Promise<PriceRow[]> {
  return await query<PriceRow[]>`
    SELECT model, provider, to_char(nullif(valid_from, '-infinity'), 'YYYY-MM-DD') AS "from", to_char(valid_to, 'YYYY-MM-DD') AS "to",
      input::float8, output::float8, cache_read::float8, cache_write_5m::float8, cache_write_1h::float8,
      above_input_tokens::float8, CASE kind WHEN 'fast' THEN 'fast' END AS speed, aliases, source, source_date, is_shipped,
      to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS updated_at
    FROM prices ORDER BY model, valid_from, prices.kind`;
}

/**
 * As readPrices, for a transaction that prices responses: a change of prices waits for its end, so that the job which the change starts
 * finds all responses that were priced before it.
 */
export async function readPricesToApply(query: Query): Promise<PriceRow[]> {
  await query`LOCK TABLE prices IN ROW SHARE MODE`;
  return await readPrices(query);
}

/** In a transaction, before prices are changed: waits for those that price responses. */
export async function lockPrices(query: Query): Promise<void> {
  await query`LOCK TABLE prices IN EXCLUSIVE MODE`;
}

/**
 * Stores rows where they differ from what is there, and returns how many did. Shipped rows leave those of an administrator as they are.
 */
export async function storePrices(
  query: Query,
  rows: readonly PriceToStore[],
  is_shipped: boolean,
): Promise<number> {
  const { count } = await query`
    INSERT INTO prices AS p (model, valid_from, kind, provider, valid_to, above_input_tokens, input, output, cache_read, cache_write_5m,
      cache_write_1h, aliases, source, source_date, is_shipped)
    SELECT model, coalesce("from", '-infinity'),
      CASE WHEN above_input_tokens IS NOT NULL THEN 'large_input' WHEN speed = 'fast' THEN 'fast' ELSE 'standard' END,
      provider, "to", above_input_tokens, input, output, cache_read, cache_write_5m, cache_write_1h,
      ARRAY(SELECT jsonb_array_elements_text(aliases)), source, source_date, ${is_shipped}::boolean
    FROM jsonb_to_recordset((${JSON.stringify(rows)}::text)::jsonb) AS r (
      model text, "from" date, speed text, provider text, "to" date, above_input_tokens bigint, input numeric, output numeric,
      cache_read numeric, cache_write_5m numeric, cache_write_1h numeric, aliases jsonb, source text, source_date text
    )
    ON CONFLICT (model, valid_from, kind) DO UPDATE SET
      provider = excluded.provider, valid_to = excluded.valid_to, above_input_tokens = excluded.above_input_tokens,
      input = excluded.input, output = excluded.output, cache_read = excluded.cache_read,
      cache_write_5m = excluded.cache_write_5m, cache_write_1h = excluded.cache_write_1h, aliases = excluded.aliases,
      source = excluded.source, source_date = excluded.source_date, is_shipped = excluded.is_shipped, updated_at = now()
    WHERE p.is_shipped >= excluded.is_shipped
      AND (p.provider, p.valid_to, p.above_input_tokens, p.input, p.output, p.cache_read, p.cache_write_5m, p.cache_write_1h,
        p.aliases, p.source, p.source_date, p.is_shipped)
      IS DISTINCT FROM (excluded.provider, excluded.valid_to, excluded.above_input_tokens, excluded.input, excluded.output,
        excluded.cache_read, excluded.cache_write_5m, excluded.cache_write_1h, excluded.aliases, excluded.source,
        excluded.source_date, excluded.is_shipped)`;
  return count;
}

/** Deletes shipped rows that are not among `shipped`, and returns how many. */
export async function deleteFormerPrices(query: Query, shipped: readonly PriceToStore[]): Promise<number> {
  const { count } = await query`
    DELETE FROM prices p WHERE p.is_shipped AND NOT EXISTS (
      SELECT FROM jsonb_to_recordset((${JSON.stringify(shipped)}::text)::jsonb) AS r (
        model text, "from" date, speed text, above_input_tokens bigint
      )
      WHERE r.model = p.model AND coalesce(r."from", '-infinity') = p.valid_from
        AND CASE p.kind WHEN 'large_input' THEN r.above_input_tokens IS NOT NULL
          WHEN 'fast' THEN r.speed = 'fast'
          ELSE r.above_input_tokens IS NULL AND r.speed IS NULL END
    )`;
  return count;
}

/** Whether the model has a price for most requests from that day on, to which one for some requests can be added. */
export async function hasStandardPrice(query: Query, model: string, from: string | null): Promise<boolean> {
  const { found } = one(
    await query<{ found: boolean }[]>`
      SELECT EXISTS (
        SELECT FROM prices
        WHERE model = ${model} AND valid_from = coalesce(${from}::date, '-infinity') AND kind = 'standard'
      ) AS found`,
  );
  return found;
}
