import type { JobFilter } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import { RUNNABLE_CHANNEL } from "./enqueue-jobs.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";
import { matchesLiveFilter } from "./match-jobs.ts";

/** Requeues up to `limit` failed jobs, runnable immediately, and resets their failure and lost leases; returns their number. */
export function requeueJobs(
  sql: PostgresClient,
  filter: JobFilter,
  options: { keepAttempts: boolean; limit: number; now: Instant | undefined },
): Query<
  {
    count: number;
  }[]
> {
  const { keepAttempts, limit, now } = options;
  const at = timeOf(sql, now);
  return sql<{ count: number }[]>`
    WITH requeued AS (
      UPDATE jobs SET status = 'queued', run_at = ${at}, recoveries = 0,
        attempts = ${keepAttempts ? sql`attempts` : sql`0`}, failed_at = NULL, failure_kind = NULL,
        dlq_reason = NULL, dlq_failed_at = NULL, updated_at = ${at}
      WHERE id = ANY (ARRAY(
        SELECT id FROM jobs WHERE status = 'failed' AND ${matchesLiveFilter(sql, filter, now)}
        ORDER BY id LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED))
      RETURNING queue
    )
    SELECT count(*)::integer AS count,
      (SELECT count(pg_notify(${RUNNABLE_CHANNEL}, queue)) FROM (SELECT DISTINCT queue FROM requeued) AS queues) AS hints
    FROM requeued`;
}
