import type { DeadLetterFilter, PostgresClient } from "../drivers/driver.ts";
import type { Instant } from "../instant.ts";
import { RUNNABLE_CHANNEL } from "./enqueue-jobs.ts";
import { timeOf } from "./fragments.ts";
import { matchesDeadLetter } from "./select-jobs.ts";

/** Replays dead letters: runnable at once, failure and lost leases forgotten; returns how many. */
export function requeueDeadLetters(
  sql: PostgresClient,
  filter: DeadLetterFilter,
  keepAttempts: boolean,
  now: Instant | undefined,
) {
  return sql<{ count: number }[]>`
    WITH requeued AS (
      UPDATE jobs SET status = 'queued', run_at = '-infinity', recoveries = 0,
        attempts = ${keepAttempts ? sql`attempts` : sql`0`}, failed_at = NULL, failure_kind = NULL,
        dlq_reason = NULL, dlq_failed_at = NULL, updated_at = ${timeOf(sql, now)}
      WHERE id = ANY (ARRAY(
        SELECT id FROM jobs WHERE ${matchesDeadLetter(sql, filter)} ORDER BY id FOR UPDATE SKIP LOCKED))
      RETURNING queue
    )
    SELECT count(*)::integer AS count,
      (SELECT count(pg_notify(${RUNNABLE_CHANNEL}, queue)) FROM (SELECT DISTINCT queue FROM requeued) AS queues) AS hints
    FROM requeued`;
}
