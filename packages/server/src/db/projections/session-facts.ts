import { UNASSOCIATED_WORKSPACE } from "@wharf/protocol";
import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../postgres.ts";

export type Fragment = PendingQuery<Row[]>;

/**
 * What is known of a session is a JSON object of facts: under each key an array that says how much the value counts, when it
 * was said, by which event, and the value. Of two facts under one key the smaller array stands, so that facts may be merged in
 * any order, and again: [0, …] goes before [1, …], then the earlier before the later, then the smaller id.
 * - origin [rank, µs, id, workspace, device]: rank 0 is a reported start, 1 any other event
 * - backfill [rank, µs, reference, workspace, device]: what a backfill adds where no origin is known; rank 1 names no workspace
 * - end [rank, -µs, id, reason, duration in ms]: negative, because the latest end stands; rank 1 is a backfill's
 * - git_branch, model, source, initial_prompt, metadata.<key> [rank, µs, id, value]: rank 1 is an end's, rank 2 a backfill's
 */
export function mergedFacts(sql: Sql, one: Fragment, other: Fragment): Fragment {
  return sql`(
    SELECT jsonb_object_agg(key, fact) FROM (
      SELECT DISTINCT ON (key) key, fact
      FROM (SELECT * FROM jsonb_each(${one}) UNION ALL SELECT * FROM jsonb_each(${other})) AS known (key, fact)
      ORDER BY key, fact
    ) AS smallest
  )`;
}

/** Microseconds since 1970 of a TIMESTAMPTZ: exact, where a double in seconds is not. */
export function microseconds(sql: Sql, instant: Fragment): Fragment {
  return sql`(extract(epoch FROM ${instant}) * 1000000)::bigint`;
}

/**
 * A relation of one row: a session's columns as its facts (and the latest resume) make them.
 * OFFSET 0 keeps the planner from writing each expression out again wherever its name stands: 20 µs an event in small flushes.
 */
export function columnsOfFacts(sql: Sql, facts: Fragment, resumedAt: Fragment): Fragment {
  const text = (path: string) => sql`${facts} #>> ${path}::text[]`;
  const instant = (path: string) =>
    sql`to_timestamp(0) + abs((${text(path)})::bigint) * interval '1 microsecond'`;
  return sql`(
    SELECT
      workspace_id, device_id, started_at,
      CASE WHEN start_rank = '0' OR is_backfilled THEN started_at END AS start_reported_at,
      finish.ended_at,
      CASE WHEN finish.ended_at IS NOT NULL THEN end_reason END AS end_reason,
      CASE WHEN finish.ended_at IS NULL THEN NULL
           -- Agents' hooks that know no duration send 0: where the start was reported, it is computed.
           ELSE coalesce(nullif(reported_duration_ms, CASE WHEN start_rank = '0' OR is_backfilled THEN 0 END), ${milliseconds(sql, sql`started_at`, sql`finish.ended_at`)})
      END AS duration_ms,
      git_branch, model, source, initial_prompt, metadata
    FROM (
      SELECT
        CASE WHEN is_backfilled AND (start_rank IS NULL OR ${text("{origin,3}")} = ${unassociated(sql)})
             THEN ${text("{backfill,3}")} ELSE ${text("{origin,3}")} END AS workspace_id,
        coalesce(${text("{origin,4}")}, ${text("{backfill,4}")}) AS device_id,
        start_rank, is_backfilled,
        CASE WHEN is_backfilled AND start_rank IS DISTINCT FROM '0' THEN ${instant("{backfill,1}")}
             ELSE ${instant("{origin,1}")} END AS started_at,
        ${instant("{end,1}")} AS ended_at,
        ${text("{end,3}")} AS end_reason,
        (${text("{end,4}")})::numeric::bigint AS reported_duration_ms,
        ${text("{git_branch,3}")} AS git_branch,
        ${text("{model,3}")} AS model,
        ${text("{source,3}")} AS source,
        ${text("{initial_prompt,3}")} AS initial_prompt,
        coalesce((
          SELECT jsonb_object_agg(substr(key, length('metadata.') + 1), fact -> 3)
          FROM jsonb_each(${facts}) AS facts_of (key, fact) WHERE starts_with(key, 'metadata.')
        ), '{}') AS metadata
      FROM (SELECT ${text("{origin,0}")}, ${facts} ? 'backfill') AS origin (start_rank, is_backfilled)
      OFFSET 0
    ) AS value
    CROSS JOIN LATERAL (
      SELECT CASE WHEN ${resumedAt} > value.ended_at THEN NULL ELSE value.ended_at END
    ) AS finish (ended_at)
  )`;
}

function unassociated(sql: Sql): Fragment {
  return sql`(SELECT w.id FROM workspaces w WHERE w.canonical_id = ${UNASSOCIATED_WORKSPACE})`;
}

function milliseconds(sql: Sql, from: Fragment, to: Fragment): Fragment {
  return sql`greatest(0, round(extract(epoch FROM (${to} - ${from})) * 1000))::bigint`;
}
