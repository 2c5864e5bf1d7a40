import type { Sql } from "../postgres.ts";
import { noteDerivations } from "../transcripts/step-progress.ts";
import type { Query } from "./prices.ts";
import type { ResponseKey } from "./response-costs.ts";

/** `version`: of the prices that are being applied. */
export type Repricing = { version: string; after: ResponseKey | null };

/** In the transaction that changes prices. */
export async function countPriceChange(query: Query): Promise<void> {
  await query`
    INSERT INTO repricing (prices_version) VALUES (1)
    ON CONFLICT (id) DO UPDATE SET prices_version = repricing.prices_version + 1`;
}

/** Begins to apply the present prices, or continues; null when all responses are priced by them. */
export async function continueRepricing(sql: Sql): Promise<Repricing | null> {
  const [row] = await sql<{ version: string; agent: string | null; key: string | null }[]>`
    UPDATE repricing SET
      applying_version = prices_version,
      last_agent = CASE WHEN applying_version = prices_version THEN last_agent END,
      last_key = CASE WHEN applying_version = prices_version THEN last_key END
    WHERE repriced_version < prices_version
    RETURNING applying_version::text AS version, last_agent AS agent, last_key AS key`;
  if (row === undefined) return null;
  const { version, agent, key } = row;
  return { version, after: agent === null || key === null ? null : { agent, response_key: key } };
}

/** Notes how far the prices of this version are applied; null: to all responses. */
export async function noteRepriced(query: Query, version: string, last: ResponseKey | null): Promise<void> {
  const isDone = last === null;
  await query`
    UPDATE repricing SET
      repriced_version = CASE WHEN ${isDone} THEN applying_version ELSE repriced_version END,
      last_agent = ${last?.agent ?? null}, last_key = ${last?.response_key ?? null}
    WHERE applying_version = ${version}::bigint`;
}

/** Sums up the costs of these sessions again. */
export async function refreshSessionCosts(query: Query, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await query`
    WITH held AS (SELECT id FROM sessions WHERE id = ANY (${[...ids]}) ORDER BY id FOR NO KEY UPDATE),
    costs AS MATERIALIZED (
      SELECT h.id, sum(m.cost_usd) AS cost_usd, coalesce(bool_or(m.cost_is_partial), false) AS is_partial
      FROM held h LEFT JOIN model_responses m ON m.session_id = h.id GROUP BY h.id
    ),
    patched AS (
      UPDATE sessions s SET cost_estimate_usd = c.cost_usd, cost_is_partial = c.is_partial, updated_at = now()
      FROM costs c
      WHERE s.id = c.id AND (s.cost_estimate_usd, s.cost_is_partial) IS DISTINCT FROM (c.cost_usd, c.is_partial)
      RETURNING s.id, s.workspace_id
    )
    INSERT INTO change_log (kind, session_ids, workspace_ids)
    SELECT 'session', array_agg(id), array_agg(DISTINCT workspace_id) FROM patched HAVING count(*) > 0`;
  // A derivation that read the former costs may write them after this.
  const parsing = await query<{ id: string }[]>`
    SELECT id FROM sessions WHERE id = ANY (${[...ids]}) AND parse_status = 'parsing'`;
  await noteDerivations(
    query,
    parsing.map(({ id }) => id),
  );
}
