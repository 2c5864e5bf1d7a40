import type { Sql } from "../postgres.ts";

const RETRY_BASE_S = 60;
const RETRY_MAX_S = 24 * 60 * 60;

/** Ids of the events whose projection is due to be tried again, oldest first. */
export async function dueProjectionRetries(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql<{ event_id: string }[]>`
    SELECT event_id FROM projection_retries WHERE next_retry_at <= now() ORDER BY next_retry_at, event_id LIMIT ${limit}`;
  return rows.map((row) => row.event_id);
}

/** Notes events whose projection failed, if they are still there; it is due at once. */
export async function noteFailedProjection(
  sql: Sql,
  eventIds: readonly string[],
  reason: string,
): Promise<void> {
  await sql`
    INSERT INTO projection_retries (event_id, last_error)
    SELECT id, ${reason} FROM events WHERE id = ANY(${eventIds})
    ON CONFLICT (event_id) DO NOTHING`;
}

export async function finishProjectionRetry(sql: Sql, eventId: string): Promise<void> {
  await sql`DELETE FROM projection_retries WHERE event_id = ${eventId}`;
}

/** Counts a failed attempt; the next one is due after a minute, doubled each time, at most after a day. */
export async function postponeProjection(sql: Sql, eventId: string, reason: string): Promise<void> {
  await sql`
    UPDATE projection_retries SET
      attempts = attempts + 1,
      last_error = ${reason},
      next_retry_at = now() + make_interval(secs => least(${RETRY_BASE_S} * power(2, attempts), ${RETRY_MAX_S}))
    WHERE event_id = ${eventId}`;
}
