import type { Sql } from "../postgres.ts";
import { metadataFits, tagsFit } from "./session-bounds.ts";
import { columnsOfFacts, type Fragment, mergedFacts } from "./session-facts.ts";

/**
 * INSERT … ON CONFLICT DO UPDATE of sessions from `source`, a relation (id, facts, resumed_at, tags): see mergedColumns. A session
 * that it would make larger than a session may be stays as it is, and is not among the rows that are returned.
 */
export function mergeSessions(sql: Sql, source: Fragment): Fragment {
  return sql`
    INSERT INTO sessions AS s (
      id, workspace_id, device_id, lifecycle, started_at, start_reported_at, resumed_at, ended_at, end_reason, duration_ms,
      git_branch, model, source, initial_prompt, tags, metadata, facts
    )
    SELECT
      n.id, c.workspace_id, c.device_id,
      CASE WHEN c.ended_at IS NOT NULL THEN 'ended' WHEN c.start_reported_at IS NOT NULL THEN 'capturing' ELSE 'detected' END,
      c.started_at, c.start_reported_at, n.resumed_at, c.ended_at, c.end_reason, c.duration_ms,
      c.git_branch, c.model, c.source, c.initial_prompt, ARRAY(SELECT DISTINCT unnest(n.tags) ORDER BY 1), c.metadata, n.facts
    FROM ${source} AS n
    CROSS JOIN LATERAL ${columnsOfFacts(sql, sql`n.facts`, sql`n.resumed_at`)} AS c
    ORDER BY n.id
    ON CONFLICT (id) DO UPDATE SET ${mergedColumns(sql)}
    WHERE ${tagsFit(sql, sql`excluded`)} AND ${metadataFits(sql, sql`excluded`)}`;
}

/**
 * The same for sessions that are there and locked: each row conflicts, so that of what is inserted only what is merged need be
 * said. (An UPDATE may be planned as a join with all sessions, while they are few, and stay so.)
 */
export function mergeLockedSessions(sql: Sql, source: Fragment): Fragment {
  return sql`
    INSERT INTO sessions AS s (id, workspace_id, device_id, started_at, resumed_at, facts)
    SELECT id, workspace_id, device_id, started_at, resumed_at, facts FROM ${source} AS n ORDER BY id
    ON CONFLICT (id) DO UPDATE SET ${mergedColumns(sql)}`;
}

/**
 * What becomes of session `s` when the facts, tags and resumed_at of `excluded` are said of it too.
 * The result does not depend on the order in which starts, ends and other events arrive, nor on how they are batched:
 * - the earliest reported start gives workspace, device and started_at; without one, the session is a stub that follows its
 *   earliest event;
 * - the latest end closes it, unless a later resume was reported;
 * - an end that the server made up for silence is no fact, and falls as soon as the session speaks again.
 */
function mergedColumns(sql: Sql): Fragment {
  return sql`(
      workspace_id, device_id, started_at, start_reported_at, resumed_at, ended_at, end_reason, duration_ms,
      git_branch, model, source, initial_prompt, tags, metadata, facts, lifecycle, ended_by_server, last_heard_at, updated_at
    ) = (
      SELECT
        c.workspace_id, c.device_id, c.started_at, c.start_reported_at, latest.resumed_at, c.ended_at, c.end_reason, c.duration_ms,
        coalesce(c.git_branch, s.git_branch), coalesce(c.model, s.model), coalesce(c.source, s.source),
        coalesce(c.initial_prompt, s.initial_prompt),
        ARRAY(SELECT DISTINCT unnest(s.tags || excluded.tags) ORDER BY 1),
        s.metadata || c.metadata, merged.facts,
        CASE WHEN c.ended_at IS NOT NULL AND s.lifecycle IN ('detected', 'capturing') THEN 'ended'
             WHEN c.ended_at IS NULL AND s.lifecycle IN ('detected', 'ended', 'parsed', 'summarized', 'archived')
               THEN CASE WHEN c.start_reported_at IS NULL THEN 'detected' ELSE 'capturing' END
             ELSE s.lifecycle END,
        false, now(), now()
      FROM (SELECT ${mergedFacts(sql, sql`s.facts`, sql`excluded.facts`)} OFFSET 0) AS merged (facts)
      CROSS JOIN (SELECT greatest(s.resumed_at, excluded.resumed_at)) AS latest (resumed_at)
      CROSS JOIN LATERAL ${columnsOfFacts(sql, sql`merged.facts`, sql`latest.resumed_at`)} AS c
    )`;
}
