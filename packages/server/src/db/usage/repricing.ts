import { sessionChange } from "../ingest/change-log.ts";
import type { Sql } from "../postgres.ts";
import { MODELS_MAX } from "../transcripts/facts/read-responses.ts";
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

/** Sums up the costs of these sessions and their subagents again, and what their transcripts' facts show of costs. */
export async function refreshSessionCosts(sql: Sql, query: Query, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await query`
    WITH held AS (SELECT id FROM sessions WHERE id = ANY (${[...ids]}) ORDER BY id FOR NO KEY UPDATE),
    by_model AS MATERIALIZED (
      SELECT m.session_id, m.model, sum(m.cost_usd) AS cost_usd, bool_or(m.cost_is_partial OR m.cost_usd IS NULL) AS is_partial,
        bool_or(m.cost_usd IS NULL) AND m.model IS NOT NULL AS is_unpriced,
        sum(m.cost_usd) FILTER (WHERE m.subagent_id IS NULL) AS own_usd
      FROM held h JOIN model_responses m ON m.session_id = h.id GROUP BY m.session_id, m.model
    ),
    costs AS MATERIALIZED (
      SELECT h.id, sum(b.cost_usd) AS cost_usd, coalesce(bool_or(b.is_partial), false) AS is_partial, sum(b.own_usd)::float8 AS own_usd,
        coalesce((array_agg(b.model ORDER BY b.model) FILTER (WHERE b.is_unpriced))[:${MODELS_MAX}::integer], '{}') AS unpriced
      FROM held h LEFT JOIN by_model b ON b.session_id = h.id GROUP BY h.id
    ),
    subagents_patched AS (
      UPDATE subagents a SET cost_estimate_usd = c.cost_usd
      FROM (
        SELECT a.id, sum(m.cost_usd) AS cost_usd
        FROM held h JOIN subagents a ON a.session_id = h.id
        JOIN model_responses m ON m.session_id = a.session_id AND m.subagent_id = a.id GROUP BY a.id
      ) c
      WHERE a.id = c.id AND a.cost_estimate_usd IS DISTINCT FROM c.cost_usd
    ),
    described AS MATERIALIZED (
      SELECT c.*, s.transcript || jsonb_build_object(
        'unpriced_models', to_jsonb(c.unpriced),
        'own', s.transcript -> 'own' || jsonb_build_object('cost_estimate_usd', c.own_usd),
        'models', (
          SELECT coalesce(jsonb_agg(stated || jsonb_build_object('cost_usd', (
            SELECT b.cost_usd::float8 FROM by_model b
            WHERE b.session_id = c.id AND b.model IS NOT DISTINCT FROM stated ->> 'model'
          )) ORDER BY place), '[]')
          FROM jsonb_array_elements(s.transcript -> 'models') WITH ORDINALITY AS m (stated, place)
        )
      ) AS transcript
      FROM costs c JOIN sessions s ON s.id = c.id
    ),
    patched AS (
      UPDATE sessions s SET cost_estimate_usd = c.cost_usd, cost_is_partial = c.is_partial, transcript = c.transcript, updated_at = now()
      FROM described c
      WHERE s.id = c.id
        AND (s.cost_estimate_usd, s.cost_is_partial, s.transcript) IS DISTINCT FROM (c.cost_usd, c.is_partial, c.transcript)
      RETURNING s.id, s.workspace_id
    )
    ${sessionChange(sql)}`;
  // A derivation that read the former costs may write them after this.
  const parsing = await query<{ id: string }[]>`
    SELECT id FROM sessions WHERE id = ANY (${[...ids]}) AND parse_status = 'parsing'`;
  await noteDerivations(
    query,
    parsing.map(({ id }) => id),
  );
}
