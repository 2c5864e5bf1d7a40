import { COUNT_MAX, THROUGHPUT_SAMPLE, THROUGHPUT_WINDOW_MS } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { isoText, milliseconds, textArray, timeOf } from "./fragments.ts";

/** One more than COUNT_MAX, which shows that there are more. */
const COUNT_LIMIT = COUNT_MAX + 1;
/** Maximum of pairs of queue and priority, or of queues with keyed jobs, that are read: protects against queues created by mistake. */
const LEVELS_MAX = 1000;

type Fragment = ReturnType<PostgresClient>;

export type QueueStatsRow = {
  readonly queue: string;
  readonly ready: number;
  readonly scheduled: number;
  readonly waiting: number;
  readonly running: number;
  readonly dead: number;
  readonly oldest_ready_ms: number | null;
  readonly completed_per_second: number;
  readonly paused_at: string | null;
  readonly reason: string | null;
};

/**
 * The state of every queue, in milliseconds for any number of jobs: no count exceeds COUNT_LIMIT, and every count is one range of
 * an index. Queues and priorities are found by loose index scans (one probe each), jobs without a concurrency key are counted by
 * (queue, priority, run_at), those with one in a sample of COUNT_LIMIT.
 */
export function queueStats(
  sql: PostgresClient,
  alsoQueues: readonly string[],
  now: Instant | undefined,
): Query<QueueStatsRow[]> {
  return sql<QueueStatsRow[]>`
    WITH RECURSIVE ${walks(sql)}, ${depths(sql, now)}, ${rates(sql, now)},
    known AS (
      SELECT queue FROM depth UNION SELECT queue FROM running UNION SELECT queue FROM dead
      UNION SELECT queue FROM rate UNION SELECT queue FROM job_queue_pauses
      UNION SELECT unnest(${textArray(alsoQueues)}::text[])
    ),
    total AS (
      SELECT queue, sum(ready) AS ready, sum(scheduled) AS scheduled, sum(waiting) AS waiting, min(oldest) AS oldest
      FROM depth GROUP BY queue
    )
    SELECT queue, COALESCE(ready, 0)::integer AS ready, COALESCE(scheduled, 0)::integer AS scheduled,
      COALESCE(waiting, 0)::integer AS waiting, COALESCE(running.count, 0)::integer AS running,
      COALESCE(dead.count, 0)::integer AS dead, date_part('epoch', ${timeOf(sql, now)} - oldest) * 1000 AS oldest_ready_ms,
      COALESCE(rate.per_second, 0)::float8 AS completed_per_second, ${isoText(sql, "paused_at")}, reason
    FROM known LEFT JOIN total USING (queue) LEFT JOIN running USING (queue) LEFT JOIN dead USING (queue)
      LEFT JOIN rate USING (queue) LEFT JOIN job_queue_pauses USING (queue)
    ORDER BY queue COLLATE "C"`;
}

/** `level`: each queue and priority of jobs without a key; `keyed`: each queue with keyed jobs; `grave`: with dead letters. */
function walks(sql: PostgresClient) {
  const unkeyed = sql`status = 'queued' AND concurrency_key IS NULL`;
  const keyed = sql`status = 'queued' AND concurrency_key IS NOT NULL`;
  return sql`
    level (queue, priority) AS (
      (SELECT queue, priority FROM jobs WHERE ${unkeyed} ORDER BY queue, priority LIMIT 1)
      UNION ALL
      SELECT next.queue, next.priority FROM level CROSS JOIN LATERAL (
        SELECT queue, priority FROM jobs WHERE ${unkeyed} AND (jobs.queue, jobs.priority) > (level.queue, level.priority)
        ORDER BY queue, priority LIMIT 1) AS next
    ),
    keyed (queue) AS (
      (SELECT queue FROM jobs WHERE ${keyed} ORDER BY queue LIMIT 1)
      UNION ALL
      SELECT next.queue FROM keyed CROSS JOIN LATERAL (
        SELECT queue FROM jobs WHERE ${keyed} AND jobs.queue > keyed.queue ORDER BY queue LIMIT 1) AS next
    ),
    grave (queue) AS (
      (SELECT queue FROM jobs WHERE dlq_reason IS NOT NULL ORDER BY queue LIMIT 1)
      UNION ALL
      SELECT next.queue FROM grave CROSS JOIN LATERAL (
        SELECT queue FROM jobs WHERE dlq_reason IS NOT NULL AND jobs.queue > grave.queue ORDER BY queue LIMIT 1) AS next
    )`;
}

function depths(sql: PostgresClient, now: Instant | undefined) {
  const at = timeOf(sql, now);
  const here = sql`jobs.queue = level.queue AND jobs.priority = level.priority AND status = 'queued'
    AND concurrency_key IS NULL`;
  return sql`
    depth AS (
      SELECT level.queue, ready.count AS ready, scheduled.count AS scheduled, waiting.count AS waiting, LEAST(
        (SELECT created_at FROM jobs WHERE ${here} AND run_at = '-infinity' ORDER BY id LIMIT 1),
        (SELECT run_at FROM jobs WHERE ${here} AND run_at > '-infinity' AND run_at <= ${at} ORDER BY run_at LIMIT 1)
      ) AS oldest
      FROM (SELECT * FROM level LIMIT ${LEVELS_MAX}::integer) AS level
      CROSS JOIN LATERAL (${bounded(sql, sql`${here} AND run_at <= ${at}`, sql`run_at`)}) AS ready
      CROSS JOIN LATERAL (${bounded(sql, sql`${here} AND run_at > ${at} AND run_at < 'infinity'`, sql`run_at`)}) AS scheduled
      CROSS JOIN LATERAL (${bounded(sql, sql`${here} AND run_at = 'infinity'`, sql`id`)}) AS waiting
      UNION ALL
      SELECT keyed.queue, count(*) FILTER (WHERE run_at <= ${at}),
        count(*) FILTER (WHERE run_at > ${at} AND run_at < 'infinity'), count(*) FILTER (WHERE run_at = 'infinity'),
        min(GREATEST(run_at, created_at)) FILTER (WHERE run_at <= ${at})
      FROM (SELECT * FROM keyed LIMIT ${LEVELS_MAX}::integer) AS keyed CROSS JOIN LATERAL (
        SELECT run_at, created_at FROM jobs
        WHERE jobs.queue = keyed.queue AND status = 'queued' AND concurrency_key IS NOT NULL
        ORDER BY concurrency_key LIMIT ${COUNT_LIMIT}::integer) AS sample
      GROUP BY keyed.queue
    ),
    running AS (
      SELECT queue, count(*) FROM (
        SELECT queue FROM jobs WHERE status = 'running' AND lease_expires_at > '-infinity'
        ORDER BY lease_expires_at LIMIT ${COUNT_LIMIT}::integer) AS sample
      GROUP BY queue
    ),
    dead AS (
      SELECT grave.queue, buried.count FROM (SELECT * FROM grave LIMIT ${LEVELS_MAX}::integer) AS grave
      CROSS JOIN LATERAL (${bounded(sql, sql`jobs.queue = grave.queue AND dlq_reason IS NOT NULL`, sql`id`)}) AS buried
    )`;
}

/** In the order of an index: without it, a planner that expects all rows to match reads the table. */
function bounded(sql: PostgresClient, condition: Fragment, order: Fragment) {
  return sql`SELECT count(*) FROM (
    SELECT FROM jobs WHERE ${condition} ORDER BY ${order} LIMIT ${COUNT_LIMIT}::integer) AS counted`;
}

/** A full sample that begins within the window is from a busy store: its rate is computed over the sample's own time. */
function rates(sql: PostgresClient, now: Instant | undefined) {
  const at = timeOf(sql, now);
  const window = milliseconds(sql, THROUGHPUT_WINDOW_MS);
  return sql`
    newest AS MATERIALIZED (
      SELECT queue, completed_at FROM jobs_archive ORDER BY id DESC LIMIT ${THROUGHPUT_SAMPLE}::integer
    ),
    span AS (
      SELECT CASE WHEN count(*) = ${THROUGHPUT_SAMPLE}::integer AND min(completed_at) > ${at} - ${window}
        THEN GREATEST(date_part('epoch', ${at} - min(completed_at)), 0.001)
        ELSE date_part('epoch', ${window}) END AS seconds
      FROM newest
    ),
    rate AS (
      SELECT queue, count(*) / max(seconds) AS per_second FROM newest CROSS JOIN span
      WHERE completed_at > ${at} - ${window} GROUP BY queue
    )`;
}
