import { sessionChange } from "../ingest/change-log.ts";
import type { Sql } from "../postgres.ts";

/**
 * Up to `limit` sessions that ended, of which nothing was heard and no transcript arrived for `quiet_ms`, become `parsed`, when all that
 * arrived is parsed; so do those whose parser failed before and has succeeded since. Returns how many.
 */
export async function advanceParsed(sql: Sql, quiet_ms: number, limit: number): Promise<number> {
  const quietSince = sql`now() - ${quiet_ms}::float8 * interval '1 millisecond'`;
  const rows = await sql`
    WITH due AS (
      SELECT id FROM sessions s
      WHERE (lifecycle = 'ended' OR (lifecycle = 'failed' AND parse_status = 'completed'))
        AND ended_at IS NOT NULL AND deleted_at IS NULL AND last_heard_at < ${quietSince}
        AND NOT EXISTS (SELECT FROM transcript_files f WHERE f.session_id = s.id AND f.last_received_at >= ${quietSince})
        AND NOT EXISTS (SELECT FROM transcript_generations g WHERE g.session_id = s.id AND g.parsed_bytes < g.stored_bytes)
        AND NOT EXISTS (SELECT FROM derivations_due d WHERE d.session_id = s.id)
      LIMIT ${limit} FOR NO KEY UPDATE SKIP LOCKED
    ),
    patched AS (
      UPDATE sessions s SET lifecycle = 'parsed', updated_at = now() FROM due WHERE s.id = due.id RETURNING s.id, s.workspace_id
    ),
    change AS (${sessionChange(sql)})
    SELECT id FROM patched`;
  return rows.length;
}

/** Sessions that wait for their summary. Those with a plain one of the last `pending_ms` wait for a job that asks a model. */
export async function findParsed(sql: Sql, pending_ms: number, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT s.id FROM sessions s LEFT JOIN session_summaries k ON k.session_id = s.id AND k.source = 'plain'
    WHERE s.lifecycle = 'parsed' AND s.deleted_at IS NULL
      AND (k.created_at IS NULL OR k.created_at <= now() - ${pending_ms}::float8 * interval '1 millisecond')
    LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

export type SummaryToWrite = {
  session_id: string;
  /** Null: there is nothing to summarize. */
  summary: string | null;
  source: "plain" | "model";
  model: string | null;
  tokens_in: number | null;
  tokens_out: number | null;
  cost_usd: number | null;
};

/**
 * Writes the summaries of `parsed` sessions, which become `summarized` if `is_last`. What a person wrote is kept, and so is a model's
 * summary where a plain one follows.
 */
export async function writeSummaries(
  sql: Sql,
  summaries: readonly SummaryToWrite[],
  is_last: boolean,
): Promise<void> {
  if (summaries.length === 0) return;
  await sql`
    WITH made AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset((${JSON.stringify(summaries)}::text)::jsonb) AS m (
        session_id text, summary text, source text, model text, tokens_in bigint, tokens_out bigint, cost_usd numeric
      )
    ),
    held AS MATERIALIZED (
      SELECT s.id, s.summary IS NULL OR coalesce(k.source IN ('plain', m.source), false) AS is_ours
      FROM sessions s JOIN made m ON m.session_id = s.id LEFT JOIN session_summaries k ON k.session_id = s.id
      WHERE s.lifecycle = 'parsed' AND s.deleted_at IS NULL
      ORDER BY s.id FOR NO KEY UPDATE OF s
    ),
    noted AS (
      INSERT INTO session_summaries (session_id, source, model, tokens_in, tokens_out, cost_usd)
      SELECT session_id, source, model, tokens_in, tokens_out, cost_usd FROM made JOIN held ON held.id = made.session_id
      WHERE is_ours AND summary IS NOT NULL
      ON CONFLICT (session_id) DO UPDATE SET source = excluded.source, model = excluded.model, tokens_in = excluded.tokens_in,
        tokens_out = excluded.tokens_out, cost_usd = excluded.cost_usd, created_at = now()
    ),
    patched AS (
      UPDATE sessions s SET
        summary = CASE WHEN held.is_ours THEN coalesce(made.summary, s.summary) ELSE s.summary END,
        lifecycle = CASE WHEN ${is_last} THEN 'summarized' ELSE lifecycle END, updated_at = now()
      FROM made JOIN held ON held.id = made.session_id
      WHERE s.id = held.id
      RETURNING s.id, s.workspace_id
    )
    ${sessionChange(sql)}`;
}
