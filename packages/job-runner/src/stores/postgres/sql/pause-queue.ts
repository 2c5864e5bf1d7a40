import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import { RUNNABLE_CHANNEL } from "./enqueue-jobs.ts";
import type { Fragment, Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

/** True while the queue is not paused. Refers to no row of the statement, so it is evaluated once per claim, not per job. */
export function isOpen(sql: PostgresClient, queue: string): Fragment {
  return sql`NOT EXISTS (SELECT FROM job_queue_pauses WHERE job_queue_pauses.queue = ${queue})`;
}

/** No row: the queue was already paused. */
export function pauseQueue(
  sql: PostgresClient,
  queue: string,
  reason: string | null,
  now: Instant | undefined,
): Query<
  {
    queue: string;
  }[]
> {
  return sql<{ queue: string }[]>`
    INSERT INTO job_queue_pauses (queue, paused_at, reason) VALUES (${queue}, ${timeOf(sql, now)}, ${reason})
    ON CONFLICT DO NOTHING RETURNING queue`;
}

/** Wakes the queue's workers; no row: it was not paused. */
export function resumeQueue(
  sql: PostgresClient,
  queue: string,
): Query<
  {
    queue: string;
  }[]
> {
  return sql<{ queue: string }[]>`
    WITH resumed AS (DELETE FROM job_queue_pauses WHERE queue = ${queue} RETURNING queue)
    SELECT queue, pg_notify(${RUNNABLE_CHANNEL}, queue) FROM resumed`;
}
