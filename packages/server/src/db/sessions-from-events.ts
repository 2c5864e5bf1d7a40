import type { Sql } from "./postgres.ts";
import { mergeSessions } from "./session-merge.ts";

/** A row written for every event cost a tenth of the throughput; silence is measured in minutes. */
export const LAST_HEARD_INTERVAL_S = 30;

/**
 * What `stored` events do to sessions. `session_seen` has one row a session of the flush; of those, `session_changes` has the
 * ones to be written, with all that the flush says of a session folded into one row. The rest is left alone, since
 * ON CONFLICT DO UPDATE writes every row that it meets.
 */
export function sessionRows(sql: Sql) {
  return sql`
    session_marks AS MATERIALIZED (
      SELECT session_id, id, type, timestamp, workspace_id, device_id, data
      FROM stored WHERE type IN ('session.start', 'session.end') AND session_id IS NOT NULL
    ),
    session_seen AS MATERIALIZED (
      SELECT
        f.*,
        known.id IS NULL OR known.ended_by_server OR f.id IN (SELECT session_id FROM session_marks)
          OR (known.start_reported_at IS NULL AND f.first_at < known.started_at) AS bounds_changed,
        known.last_heard_at < now() - make_interval(secs => ${LAST_HEARD_INTERVAL_S}) AS is_stale
      FROM (
        SELECT DISTINCT ON (session_id) session_id AS id, timestamp AS first_at, workspace_id, device_id
        FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, stored.id
      ) f
      LEFT JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = f.id OFFSET 0) known ON true
    ),
    session_start AS (
      SELECT DISTINCT ON (session_id) session_id, timestamp, workspace_id, device_id, data
      FROM session_marks WHERE type = 'session.start' ORDER BY session_id, timestamp, id
    ),
    session_resume AS (
      SELECT session_id, max(timestamp) AS timestamp
      FROM session_marks WHERE type = 'session.start' AND data ->> 'source' = 'resume' GROUP BY session_id
    ),
    session_end AS (
      SELECT DISTINCT ON (session_id) session_id, timestamp, data
      FROM session_marks WHERE type = 'session.end' ORDER BY session_id, timestamp DESC, id DESC
    ),
    session_changes AS (
      SELECT
        f.id,
        coalesce(b.workspace_id, f.workspace_id) AS workspace_id,
        coalesce(b.device_id, f.device_id) AS device_id,
        coalesce(b.timestamp, f.first_at) AS started_at,
        b.timestamp AS start_reported_at,
        r.timestamp AS resumed_at,
        CASE WHEN r.timestamp > e.timestamp THEN NULL ELSE e.timestamp END AS ended_at,
        CASE WHEN e.data ->> 'end_reason' = 'prompt_input_exit' THEN 'exit' ELSE e.data ->> 'end_reason' END AS end_reason,
        (e.data ->> 'duration_ms')::numeric::bigint AS duration_ms,
        coalesce(b.data ->> 'git_branch', e.data ->> 'git_branch') AS git_branch,
        coalesce(b.data ->> 'model', e.data ->> 'model') AS model,
        b.data ->> 'source' AS source,
        NULL::text AS initial_prompt,
        '{}'::text[] AS tags,
        jsonb_strip_nulls(jsonb_build_object(
          'cwd', coalesce(b.data -> 'cwd', e.data -> 'cwd'),
          'cc_version', coalesce(b.data -> 'cc_version', e.data -> 'cc_version'),
          'transcript_path', coalesce(b.data -> 'transcript_path', e.data -> 'transcript_path')
        )) AS metadata
      FROM (SELECT * FROM session_seen WHERE bounds_changed OR is_stale) f
      LEFT JOIN session_start b ON b.session_id = f.id
      LEFT JOIN session_resume r ON r.session_id = f.id
      LEFT JOIN session_end e ON e.session_id = f.id
    ),
    session_rows AS (
      ${mergeSessions(sql, sql`session_changes`)}
    )`;
}
