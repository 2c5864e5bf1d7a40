import type { Fragment, Sql } from "../postgres.ts";

/** Events that are still to be projected. */
export type QueueRow = {
  id: string;
  event_ids: readonly string[];
  /** How often projecting them has failed. */
  attempts: number;
};

/** A session whose git activity is still to be matched, from behind this id on. */
export type SessionToMatch = { id: string; session_id: string; after_id: string };

/** A row has events or a session. */
export type DueRow = QueueRow & { session_id: string | null; after_id: string };

/** What a round leaves to be done: locked or failed events, or more than it may do at once. */
export type LeftEvents = {
  event_ids: readonly string[];
  attempts: number;
  last_error: string | null;
  /** Null: the events are set aside. */
  retry_in_s: number | null;
};

/** As long as a row belongs to the process that is projecting it; as the table's default. */
export const QUEUE_LEASE_S = 10;
const RETRY_BASE_S = 60;
const RETRY_MAX_S = 24 * 60 * 60;
/** Over five days; then the events are set aside with their reason. */
export const ATTEMPTS_MAX = 16;

/** When events whose projection has failed `attempts` times are retried: after a minute, doubled each time, at most a day. */
export function retryDelayS(attempts: number): number | null {
  return attempts >= ATTEMPTS_MAX ? null : Math.min(RETRY_BASE_S * 2 ** (attempts - 1), RETRY_MAX_S);
}

/** Queues these events of a flush, if there are any and it has stored some: see `touched`. */
export function queueRow(sql: Sql, eventIds: Fragment): Fragment {
  return sql`
    queue_rows AS (
      INSERT INTO projection_queue (event_ids)
      SELECT event_ids FROM (SELECT ${eventIds} AS event_ids FROM touched WHERE stored_count > 0) queued
      WHERE cardinality(event_ids) > 0
      RETURNING id::text
    )`;
}

/** Takes up to `limit` rows that are due, the first due first; for a while they belong to the caller. */
export async function takeDueRows(sql: Sql, limit: number): Promise<DueRow[]> {
  return await sql<DueRow[]>`
    UPDATE projection_queue SET next_retry_at = now() + make_interval(secs => ${QUEUE_LEASE_S})
    WHERE id IN (
      SELECT id FROM projection_queue WHERE next_retry_at <= now()
      ORDER BY next_retry_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    RETURNING id::text, event_ids, attempts, session_id, after_id`;
}

/** Queues sessions whose git activity has to be matched; one that is queued already is matched from the beginning afterwards. */
export async function queueSessions(sql: Sql, sessionIds: readonly string[]): Promise<SessionToMatch[]> {
  return await sql<SessionToMatch[]>`
    INSERT INTO projection_queue (event_ids, session_id)
    SELECT '{}', id FROM unnest(${sessionIds}::text[]) AS id ORDER BY id
    ON CONFLICT (session_id) WHERE session_id IS NOT NULL DO UPDATE SET is_outdated = true
    RETURNING id::text, session_id, after_id`;
}

/**
 * Notes up to which id the git activity of sessions is matched; null: all of it, and the rows go. Answers with what is left of them,
 * also when a session changed meanwhile.
 */
export async function advanceSessions(
  sql: Sql,
  sessions: readonly SessionToMatch[],
  after_id: string | null,
): Promise<SessionToMatch[]> {
  const ids = sessions.map(({ id }) => id);
  return await sql<SessionToMatch[]>`
    WITH done AS (DELETE FROM projection_queue WHERE id = ANY(${ids}::bigint[]) AND ${after_id}::text IS NULL AND NOT is_outdated)
    UPDATE projection_queue SET
      after_id      = coalesce(${after_id}::text, ''),
      is_outdated   = is_outdated AND ${after_id}::text IS NOT NULL,
      next_retry_at = now() + make_interval(secs => ${QUEUE_LEASE_S})
    WHERE id = ANY(${ids}::bigint[]) AND (${after_id}::text IS NOT NULL OR is_outdated)
    RETURNING id::text, session_id, after_id`;
}

/** Makes rows due that no process has tried yet; where their own process is projecting them, doing it twice does no harm. */
export async function makeUntriedRowsDue(sql: Sql): Promise<void> {
  await sql`UPDATE projection_queue SET next_retry_at = now() WHERE attempts = 0 AND next_retry_at > now()`;
}

/** Removes rows that were projected, and queues what is left of them; answers with the rows of that. */
export async function finishRows(
  sql: Sql,
  ids: readonly string[],
  left: readonly LeftEvents[],
): Promise<(QueueRow & Pick<LeftEvents, "last_error">)[]> {
  return await sql<(QueueRow & Pick<LeftEvents, "last_error">)[]>`
    WITH done AS (DELETE FROM projection_queue WHERE id = ANY(${ids}::bigint[]))
    INSERT INTO projection_queue (event_ids, attempts, last_error, next_retry_at)
    SELECT ARRAY(SELECT jsonb_array_elements_text(event_ids)), attempts, last_error,
      CASE WHEN retry_in_s IS NULL THEN 'infinity' ELSE now() + make_interval(secs => retry_in_s) END
    FROM jsonb_to_recordset((${JSON.stringify(left)}::text)::jsonb)
      AS l (event_ids jsonb, attempts integer, last_error text, retry_in_s integer)
    RETURNING id::text, event_ids, attempts, last_error`;
}

/**
 * Moves what processes of the version before have left undone for at least `age_s` from their two tables here; answers with the
 * number of rows. Remove it, and the tables, with the next release.
 */
export async function takeOverOldQueues(sql: Sql, age_s: number): Promise<number> {
  const { count } = await sql`
    WITH pending AS (
      DELETE FROM pending_projections WHERE created_at <= now() - make_interval(secs => ${age_s}) RETURNING event_ids
    ),
    retries AS (
      DELETE FROM projection_retries RETURNING event_id, attempts, last_error, next_retry_at
    )
    INSERT INTO projection_queue (event_ids, attempts, last_error, next_retry_at)
    SELECT event_ids, 0, NULL, now() FROM pending
    UNION ALL
    SELECT ARRAY[event_id], attempts, last_error, next_retry_at FROM retries`;
  return count;
}
