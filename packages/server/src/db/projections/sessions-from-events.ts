import {
  END_REASONS,
  REPORT_TEXT_CHARACTERS_MAX,
  SESSION_END,
  SESSION_SOURCES,
  typesDeriving,
} from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { knownOrOther } from "./enumerations.ts";
import { type Fragment, microseconds } from "./session-facts.ts";
import { mergeLockedSessions } from "./session-merge.ts";

/** A row written for every event cost a tenth of the throughput; silence is measured in minutes. */
const LAST_HEARD_INTERVAL_S = 30;

/**
 * What `stored` events do to their sessions, which are there. `session_seen` has one row a session, locked, so that none comes back
 * that is deleted meanwhile, and leaves out those that somebody else has locked, who would hold up all others. Those to be written
 * are merged with all that the events say of each folded into one row; the rest is left alone.
 */
export function sessionRows(sql: Sql): Fragment {
  return sql`
    session_reported AS MATERIALIZED (${reportedFacts(sql)}),
    session_seen AS MATERIALIZED (
      SELECT
        f.*, r.facts, r.resumed_at,
        known.ended_by_server OR r.session_id IS NOT NULL
          OR (known.start_reported_at IS NULL AND f.first_at <= known.started_at)
          OR NOT known.facts ? 'origin' AS bounds_changed,
        known.start_reported_at, known.started_at, known.last_heard_at,
        known.last_heard_at < now() - make_interval(secs => ${LAST_HEARD_INTERVAL_S}) AS is_stale
      FROM (
        SELECT DISTINCT ON (session_id) session_id AS id, timestamp AS first_at, stored.id AS event_id, workspace_id, device_id
        FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, stored.id
      ) f
      LEFT JOIN session_reported r ON r.session_id = f.id
      CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = f.id OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) known
    ),
    session_changes AS MATERIALIZED (
      SELECT id, workspace_id, device_id, first_at AS started_at, resumed_at,
        jsonb_build_object(
          'origin', jsonb_build_array(1, ${microseconds(sql, sql`first_at`)}, event_id, workspace_id, device_id)
        ) || coalesce(facts, '{}') AS facts
      FROM session_seen WHERE bounds_changed OR is_stale
    ),
    session_rows AS (
      ${mergeLockedSessions(sql, sql`session_changes`)}
      RETURNING s.id, s.workspace_id
    )`;
}

/** The facts (see session-facts.ts) that the starts and ends among the `stored` events report, texts as long as in a report. */
function reportedFacts(sql: Sql): Fragment {
  const text = (field: string) => sql`left(data ->> ${field}, ${REPORT_TEXT_CHARACTERS_MAX})`;
  return sql`
    SELECT session_id, jsonb_object_agg(key, fact) AS facts, max(resumed_at) AS resumed_at
    FROM (
      SELECT DISTINCT ON (session_id, key) session_id, key, fact,
        max(timestamp) FILTER (WHERE rank = 0 AND data ->> 'source' = 'resume') OVER (PARTITION BY session_id) AS resumed_at
      FROM stored
      CROSS JOIN LATERAL (SELECT (type = ${SESSION_END})::int, ${microseconds(sql, sql`timestamp`)}) AS said (rank, at)
      CROSS JOIN LATERAL (VALUES
        ('origin', rank = 0, jsonb_build_array(0, at, id, workspace_id, device_id)),
        ('end', rank = 1, jsonb_build_array(0, -at, id, ${endReason(sql)}, data -> 'duration_ms')),
        ('source', rank = 0, jsonb_build_array(0, at, id, ${knownOrOther(sql, sql`data ->> 'source'`, SESSION_SOURCES)})),
        ('git_branch', data ->> 'git_branch' IS NOT NULL, jsonb_build_array(rank, at, id, ${text("git_branch")})),
        ('model', data ->> 'model' IS NOT NULL, jsonb_build_array(rank, at, id, ${text("model")})),
        ('metadata.cwd', data ->> 'cwd' IS NOT NULL, jsonb_build_array(rank, at, id, ${text("cwd")})),
        ('metadata.cc_version', data ->> 'cc_version' IS NOT NULL, jsonb_build_array(rank, at, id, ${text("cc_version")})),
        ('metadata.transcript_path', data ->> 'transcript_path' IS NOT NULL,
          jsonb_build_array(0, -at, id, ${text("transcript_path")}))
      ) AS facts (key, is_said, fact)
      WHERE session_id IS NOT NULL AND type = ANY (${typesDeriving("session")}) AND is_said
      ORDER BY session_id, key, fact
    ) AS smallest
    GROUP BY session_id`;
}

function endReason(sql: Sql): Fragment {
  const known = knownOrOther(sql, sql`data ->> 'end_reason'`, END_REASONS);
  return sql`CASE WHEN data ->> 'end_reason' = 'prompt_input_exit' THEN 'exit' ELSE ${known} END`;
}
