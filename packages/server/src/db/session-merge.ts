import type { PendingQuery, Row } from "postgres";
import type { Sql } from "./postgres.ts";

export type Fragment = PendingQuery<Row[]>;

/**
 * INSERT … ON CONFLICT DO UPDATE of sessions from `source`, a relation with the columns named below.
 * The result does not depend on the order in which starts, ends and other events arrive:
 * - the earliest reported start gives workspace, device, started_at and, first of all, branch, model and source;
 * - without one, the session is a stub that follows its earliest event;
 * - the latest end closes it, unless a later resume was reported;
 * - an end that the server made up for silence falls as soon as the session speaks again.
 */
export function mergeSessions(sql: Sql, source: Fragment): Fragment {
  return sql`
    INSERT INTO sessions AS s (
      id, workspace_id, device_id, lifecycle, started_at, start_reported_at, resumed_at, ended_at, end_reason,
      duration_ms, duration_reported, git_branch, model, source, initial_prompt, tags, metadata
    )
    SELECT
      id, workspace_id, device_id,
      CASE WHEN ended_at IS NOT NULL THEN 'ended' WHEN start_reported_at IS NOT NULL THEN 'capturing' ELSE 'detected' END,
      started_at, start_reported_at, resumed_at, ended_at, end_reason,
      coalesce(duration_ms, ${milliseconds(sql, sql`started_at`, sql`ended_at`)}),
      duration_ms IS NOT NULL, git_branch, model, source, initial_prompt, tags, metadata
    FROM ${source}
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET (
      workspace_id, device_id, started_at, start_reported_at, resumed_at, git_branch, model, source, initial_prompt, tags,
      metadata, ended_at, end_reason, duration_ms, duration_reported, lifecycle, ended_by_server, last_heard_at, updated_at
    ) = (
      SELECT
        CASE WHEN moves THEN excluded.workspace_id ELSE s.workspace_id END,
        CASE WHEN moves THEN excluded.device_id ELSE s.device_id END,
        start.started_at,
        least(s.start_reported_at, excluded.start_reported_at),
        finish.resumed_at,
        ${preferred(sql, "git_branch")}, ${preferred(sql, "model")}, ${preferred(sql, "source")},
        coalesce(s.initial_prompt, excluded.initial_prompt),
        ARRAY(SELECT DISTINCT unnest(s.tags || excluded.tags) ORDER BY 1),
        CASE WHEN moves THEN s.metadata || excluded.metadata ELSE excluded.metadata || s.metadata END,
        finish.ended_at,
        CASE WHEN finish.ended_at = excluded.ended_at THEN excluded.end_reason
             WHEN finish.ended_at IS NOT NULL THEN s.end_reason END,
        CASE WHEN finish.ended_at IS NULL THEN NULL
             WHEN reported.duration_ms IS NOT NULL THEN reported.duration_ms
             ELSE ${milliseconds(sql, sql`start.started_at`, sql`finish.ended_at`)} END,
        reported.duration_ms IS NOT NULL,
        CASE WHEN finish.ended_at IS NOT NULL AND s.lifecycle IN ('detected', 'capturing') THEN 'ended'
             WHEN finish.ended_at IS NULL AND s.lifecycle IN ('ended', 'parsed', 'summarized', 'archived') THEN 'capturing'
             WHEN s.lifecycle = 'detected' AND excluded.start_reported_at IS NOT NULL THEN 'capturing'
             ELSE s.lifecycle END,
        false, now(), now()
      FROM
        (SELECT excluded.start_reported_at < coalesce(s.start_reported_at, 'infinity')
             OR (excluded.start_reported_at IS NULL AND s.start_reported_at IS NULL
                 AND excluded.started_at < s.started_at)) AS precedence (moves_or_null)
        CROSS JOIN LATERAL (SELECT coalesce(moves_or_null, false)) AS decision (moves)
        CROSS JOIN LATERAL (SELECT CASE WHEN moves THEN excluded.started_at ELSE s.started_at END) AS start (started_at)
        CROSS JOIN LATERAL (
          SELECT greatest(s.resumed_at, excluded.resumed_at),
                 greatest(CASE WHEN NOT s.ended_by_server THEN s.ended_at END, excluded.ended_at)) AS latest (resumed_at, ended_at)
        CROSS JOIN LATERAL (
          SELECT latest.resumed_at,
                 CASE WHEN latest.resumed_at > latest.ended_at THEN NULL ELSE latest.ended_at END) AS finish (resumed_at, ended_at)
        CROSS JOIN LATERAL (
          SELECT CASE WHEN finish.ended_at = excluded.ended_at AND excluded.duration_reported THEN excluded.duration_ms
                      WHEN finish.ended_at = s.ended_at AND s.duration_reported THEN s.duration_ms END) AS reported (duration_ms)
    )`;
}

/** The earliest start's value goes first; any other only fills a gap. */
function preferred(sql: Sql, column: "git_branch" | "model" | "source"): Fragment {
  const name = sql(column);
  return sql`CASE WHEN moves THEN coalesce(excluded.${name}, s.${name}) ELSE coalesce(s.${name}, excluded.${name}) END`;
}

function milliseconds(sql: Sql, from: Fragment, to: Fragment): Fragment {
  return sql`greatest(0, round(extract(epoch FROM (${to} - ${from})) * 1000))::bigint`;
}
