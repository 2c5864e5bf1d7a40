import type { NewJob, PostgresClient } from "../drivers/driver.ts";
import { type Instant, instantText } from "../instant.ts";
import { storableJson } from "../storable-json.ts";
import { textArray, timeOf } from "./fragments.ts";

export const RUNNABLE_CHANNEL = "job_runner_runnable";

/**
 * Stores jobs without idempotency keys in one statement; ids come back in the order of the input.
 * One recordset of JSON text is the fastest form short of COPY, which cannot return ids.
 */
export function enqueueJobs(sql: PostgresClient, jobs: readonly NewJob[], now: Instant | undefined) {
  const at = timeOf(sql, now);
  return sql<{ id: string }[]>`
    WITH stored AS (
      INSERT INTO jobs (queue, type, payload, priority, run_at, max_attempts, timeout_ms, concurrency_key,
        concurrency_limit, created_at, updated_at)
      SELECT job.q, job.t, job.p, COALESCE(job.o, 0),
        ${runAtColumn(sql, now)}, COALESCE(job.m, 25), job.x, job.c, COALESCE(job.l, 1), ${at}, ${at}
      FROM ${recordset(sql, jobs)}
      RETURNING id
    )
    SELECT stored.id FROM stored, ${runnableHint(sql, jobs)} ORDER BY stored.id`;
}

/** The input as rows `job`. Keys of one letter: 1000 jobs repeat each of them 1000 times. */
export function recordset(sql: PostgresClient, jobs: readonly NewJob[]) {
  return sql`json_to_recordset(${storableJson(jobs.map(toRecord))}::text::json) AS job(
    q text, t text, p jsonb, o smallint, r text, d float8, m integer, x integer, i text, c text, l smallint, n integer)`;
}

/** `run_at` of a row `job`: '-infinity' when it is runnable at once. */
export function runAtColumn(sql: PostgresClient, now: Instant | undefined) {
  const at = timeOf(sql, now);
  return sql`CASE WHEN job.d > 0 THEN ${at} + job.d * interval '1 millisecond'
    WHEN job.d IS NULL AND job.r::timestamptz > ${at} THEN job.r::timestamptz
    ELSE '-infinity' END`;
}

/** A one-row relation that sends one notification a queue with runnable jobs. */
export function runnableHint(sql: PostgresClient, jobs: readonly NewJob[]) {
  const queues = new Set<string>();
  for (const job of jobs) {
    if (!job.runAt && !job.delayMs) queues.add(job.queue);
  }
  if (queues.size === 0) return sql`(SELECT) AS hint`;
  return sql`(SELECT count(pg_notify(${RUNNABLE_CHANNEL}, queue))
    FROM unnest(${textArray([...queues])}::text[]) AS queue) AS hint`;
}

function toRecord(job: NewJob, position: number) {
  return {
    q: job.queue,
    t: job.type,
    p: job.payload,
    o: job.priority,
    r: job.runAt ? instantText(job.runAt) : undefined,
    d: job.delayMs,
    m: job.maxAttempts,
    x: job.timeoutMs,
    i: job.idempotencyKey,
    c: job.concurrencyKey,
    l: job.concurrencyLimit,
    n: job.idempotencyKey === undefined ? undefined : position,
  };
}
