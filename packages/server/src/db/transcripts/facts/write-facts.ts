import { storableJson } from "@wharf/job-runner";
import { sessionChange } from "../../ingest/change-log.ts";
import type { Sql } from "../../postgres.ts";

export type ColumnsOfFacts = {
  title: string | null;
  agent: string | null;
  reported_cost_usd: number | null;
  transcript: Record<string, unknown>;
};

/**
 * Writes what follows from a session's transcripts, unless it is there already. A title or agent that another source has given stays.
 * Of an archived session, whose messages are deleted, only what follows from responses is written. A session that the server ended
 * before its last message is outdated.
 * False: nothing has changed.
 */
export async function writeSessionFacts(
  sql: Sql,
  session_id: string,
  { title, agent, reported_cost_usd, transcript }: ColumnsOfFacts,
): Promise<boolean> {
  const { count } = await sql`
    WITH facts AS (
      SELECT (${storableJson(transcript)}::text)::jsonb AS transcript, ${title}::text AS title, ${agent}::text AS agent,
        ${reported_cost_usd}::text::numeric AS cost_usd
    ),
    described AS (
      SELECT f.agent, f.cost_usd, CASE WHEN is_archived THEN s.transcript ->> 'title' ELSE f.title END AS title,
        CASE WHEN is_archived AND s.transcript IS NOT NULL THEN s.transcript || jsonb_build_object(
          'own', f.transcript -> 'own', 'models', f.transcript -> 'models', 'context', f.transcript -> 'context',
          'unpriced_models', f.transcript -> 'unpriced_models'
        ) ELSE f.transcript END AS transcript
      FROM facts f, sessions s, LATERAL (SELECT s.lifecycle = 'archived' AS is_archived) a WHERE s.id = ${session_id}
    ),
    patched AS (
      UPDATE sessions s SET
        title = CASE WHEN s.title IS NULL OR s.title = s.transcript ->> 'title' THEN d.title ELSE s.title END,
        agent = CASE WHEN s.agent IS NULL OR s.agent = s.transcript ->> 'agent' THEN d.agent ELSE s.agent END,
        reported_cost_usd = d.cost_usd, transcript = d.transcript, updated_at = now(),
        is_outdated = s.is_outdated OR (s.ended_by_server AND coalesce((d.transcript ->> 'last_at')::timestamptz > s.ended_at, false))
      FROM described d
      WHERE s.id = ${session_id} AND s.deleted_at IS NULL AND (s.transcript IS DISTINCT FROM d.transcript OR (s.agent IS NULL AND d.agent IS NOT NULL))
      RETURNING s.id, s.workspace_id
    ),
    change AS (${sessionChange(sql)})
    SELECT FROM patched`;
  return count > 0;
}
