import { sessionChange } from "../ingest/change-log.ts";
import type { Sql } from "../postgres.ts";

/** The first `limit` open sessions that were silent for `idle_ms`, by the database's clock. */
export async function findIdleSessions(sql: Sql, idle_ms: number, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM sessions WHERE ${isIdle(sql, idle_ms)} ORDER BY last_heard_at LIMIT ${limit}`;
  return rows.map((row) => row.id);
}

/**
 * Ends those of these sessions that are still open and silent. Answers with their ids. The end is the time of its owner's last event or of
 * the last message of its transcripts, and falls as soon as a later one is known.
 */
export async function endIdleSessions(sql: Sql, idle_ms: number, ids: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH idle AS (
      SELECT id FROM sessions WHERE id = ANY(${[...ids]}::text[]) AND ${isIdle(sql, idle_ms)} ORDER BY id FOR UPDATE SKIP LOCKED
    ),
    patched AS (
      UPDATE sessions s SET
        lifecycle = 'ended', ended_by_server = true, end_reason = 'crash', ended_at = last.spoke_at,
        duration_ms = round(extract(epoch FROM last.spoke_at - s.started_at) * 1000)::bigint, updated_at = now()
      FROM idle CROSS JOIN LATERAL (
        SELECT greatest(o.started_at, (
          SELECT max(e.timestamp) FROM events e WHERE e.session_id = o.id AND e.device_id = o.device_id
        ), (o.transcript ->> 'last_at')::timestamptz) AS spoke_at
        FROM sessions o WHERE o.id = idle.id
      ) last
      WHERE s.id = idle.id AND s.lifecycle IN ('detected', 'capturing')
      RETURNING s.id, s.workspace_id
    ),
    change AS (${sessionChange(sql, "sessions_ended")})
    SELECT id FROM patched`;
  return rows.map((row) => row.id);
}

/**
 * Nothing has come for `idle_ms`. Files may come long after they were written: their last message counts while no event of the owner
 * came, whose last one is judged by when it was received, as the device's clock may be wrong.
 */
function isIdle(sql: Sql, idle_ms: number) {
  const since = sql`now() - ${idle_ms} * interval '1 millisecond'`;
  return sql`
    lifecycle IN ('detected', 'capturing') AND deleted_at IS NULL AND (
      last_heard_at < ${since} OR ((transcript ->> 'last_at')::timestamptz < ${since} AND coalesce((
        SELECT e.ingested_at < ${since} FROM events e
        WHERE e.session_id = sessions.id AND e.device_id = sessions.device_id ORDER BY e.timestamp DESC LIMIT 1
      ), has_only_files))
    )`;
}
