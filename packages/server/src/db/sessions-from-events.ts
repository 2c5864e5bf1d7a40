import type { Sql } from "./postgres.ts";
import { microseconds } from "./session-facts.ts";
import { mergeSessions } from "./session-merge.ts";

/** A row written for every event cost a tenth of the throughput; silence is measured in minutes. */
export const LAST_HEARD_INTERVAL_S = 30;

/**
 * What `stored` events do to sessions. All that one flush says of a session is folded into one row of `session_changes`;
 * sessions that would not change are left out, since ON CONFLICT DO UPDATE writes every row that it meets.
 */
export function sessionRows(sql: Sql) {
  return sql`
    session_first AS (
      SELECT DISTINCT ON (session_id) session_id, timestamp, id, workspace_id, device_id
      FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, id
    ),
    session_reported AS (${reportedFacts(sql)}),
    session_changes AS MATERIALIZED (
      SELECT
        f.session_id AS id, f.timestamp, f.id AS event_id, f.workspace_id, f.device_id, r.facts, r.resumed_at,
        known.id IS NULL OR r.session_id IS NOT NULL OR known.ended_by_server
          OR (known.start_reported_at IS NULL AND f.timestamp <= known.started_at) AS bounds_changed,
        known.last_heard_at
      FROM session_first f
      LEFT JOIN session_reported r ON r.session_id = f.session_id
      LEFT JOIN sessions known ON known.id = f.session_id
    ),
    session_rows AS (
      ${mergeSessions(
        sql,
        sql`(
          SELECT id, resumed_at, '{}'::text[] AS tags,
            jsonb_build_object(
              'origin', jsonb_build_array(1, ${microseconds(sql, sql`timestamp`)}, event_id, workspace_id, device_id)
            ) || coalesce(facts, '{}') AS facts
          FROM session_changes
          WHERE bounds_changed OR last_heard_at < now() - make_interval(secs => ${LAST_HEARD_INTERVAL_S})
        )`,
      )}
    )`;
}

/** The facts (see session-facts.ts) that the starts and ends among the `stored` events report. */
function reportedFacts(sql: Sql) {
  return sql`
    SELECT session_id, jsonb_object_agg(key, fact) AS facts, max(resumed_at) AS resumed_at
    FROM (
      SELECT DISTINCT ON (session_id, key) session_id, key, fact,
        max(timestamp) FILTER (WHERE rank = 0 AND data ->> 'source' = 'resume') OVER (PARTITION BY session_id) AS resumed_at
      FROM stored
      CROSS JOIN LATERAL (SELECT (type = 'session.end')::int, ${microseconds(sql, sql`timestamp`)}) AS said (rank, at)
      CROSS JOIN LATERAL (VALUES
        ('origin', rank = 0, jsonb_build_array(0, at, id, workspace_id, device_id)),
        ('end', rank = 1, jsonb_build_array(0, -at, id, ${endReason(sql)}, data -> 'duration_ms')),
        ('source', rank = 0, jsonb_build_array(0, at, id, data -> 'source')),
        ('git_branch', data ->> 'git_branch' IS NOT NULL, jsonb_build_array(rank, at, id, data -> 'git_branch')),
        ('model', data ->> 'model' IS NOT NULL, jsonb_build_array(rank, at, id, data -> 'model')),
        ('metadata.cwd', data ->> 'cwd' IS NOT NULL, jsonb_build_array(rank, at, id, data -> 'cwd')),
        ('metadata.cc_version', data ->> 'cc_version' IS NOT NULL, jsonb_build_array(rank, at, id, data -> 'cc_version')),
        ('metadata.transcript_path', data ->> 'transcript_path' IS NOT NULL,
          jsonb_build_array(0, -at, id, data -> 'transcript_path'))
      ) AS facts (key, is_said, fact)
      WHERE session_id IS NOT NULL AND type IN ('session.start', 'session.end') AND is_said
      ORDER BY session_id, key, fact
    ) AS smallest
    GROUP BY session_id`;
}

function endReason(sql: Sql) {
  return sql`CASE WHEN data ->> 'end_reason' = 'prompt_input_exit' THEN 'exit' ELSE data ->> 'end_reason' END`;
}
