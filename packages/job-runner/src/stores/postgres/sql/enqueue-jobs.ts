import { MAX_ATTEMPTS_DEFAULT, type NewJob, type PostgresClient } from "../../../contract/driver.ts";
import { type Instant, instantText } from "../../../contract/instant.ts";
import { storableJson } from "../../../contract/storable-json.ts";
import type { Fragment, Query } from "./fragments.ts";
import { textArray, timeOf } from "./fragments.ts";

export const RUNNABLE_CHANNEL = "job_runner_runnable";

/** Stores jobs without idempotency keys in one statement; returns the ids in the order of the input. */
export function enqueueJobs(
  sql: PostgresClient,
  jobs: readonly NewJob[],
  now: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  const at = timeOf(sql, now);
  const [first] = jobs;
  const rows =
    first !== undefined && jobs.every((job) => isAlike(job, first))
      ? alikeRows(sql, jobs, first, now)
      : sql`
        SELECT job.q, job.t, job.p, COALESCE(job.o, 0), ${runAtColumn(sql, now)}, COALESCE(job.m, 25), job.x, job.c,
          COALESCE(job.l, 1), ${at}, ${at}
        FROM ${recordset(sql, jobs)}`;
  return sql<{ id: string }[]>`
    WITH stored AS (
      INSERT INTO jobs (queue, type, payload, priority, run_at, max_attempts, timeout_ms, concurrency_key,
        concurrency_limit, created_at, updated_at)
      ${rows}
      RETURNING id
    )
    SELECT stored.id FROM stored, ${runnableHint(sql, jobs)} ORDER BY stored.id`;
}

/** The input as rows `job`. Keys have one letter, because 1000 jobs repeat each of them 1000 times. */
export function recordset(sql: PostgresClient, jobs: readonly NewJob[]): Fragment {
  return sql`json_to_recordset(${`[${jobs.map(toRecord).join(",")}]`}::text::json) AS job(
    q text, t text, p jsonb, o smallint, r text, d float8, m integer, x integer, i text, c text, l smallint, n integer, k text, s boolean)`;
}

/** `run_at` of a row `job`: now if it is runnable immediately, so that it runs after jobs that were due before. */
export function runAtColumn(sql: PostgresClient, now: Instant | undefined): Fragment {
  const at = timeOf(sql, now);
  return sql`GREATEST(${at}, COALESCE(${at} + job.d * interval '1 millisecond', job.r::timestamptz))`;
}

/** A one-row relation that sends one notification per queue with runnable jobs. */
export function runnableHint(sql: PostgresClient, jobs: readonly NewJob[]): Fragment {
  const queues = new Set<string>();
  for (const job of jobs) {
    if (!job.runAt && !job.delayMs) queues.add(job.queue);
  }
  if (queues.size === 0) return sql`(SELECT) AS hint`;
  return sql`(SELECT count(pg_notify(${RUNNABLE_CHANNEL}, queue))
    FROM unnest(${textArray([...queues])}::text[]) AS queue) AS hint`;
}

/** Jobs that differ only in their payload: an array of payloads is parsed in half the time of a recordset. */
function alikeRows(sql: PostgresClient, jobs: readonly NewJob[], like: NewJob, now: Instant | undefined) {
  const at = timeOf(sql, now);
  const payloads = `[${jobs.map((job) => job.payload).join(",")}]`;
  return sql`
    SELECT ${like.queue}::text, ${like.type}::text, payload, ${like.priority ?? 0}::smallint, ${at},
      ${like.maxAttempts ?? MAX_ATTEMPTS_DEFAULT}::integer, ${like.timeoutMs ?? null}::integer, NULL::text, 1, ${at}, ${at}
    FROM jsonb_array_elements(${payloads}::text::jsonb) AS payload`;
}

function isAlike(job: NewJob, like: NewJob): boolean {
  return (
    job.type === like.type &&
    job.queue === like.queue &&
    job.priority === like.priority &&
    job.maxAttempts === like.maxAttempts &&
    job.timeoutMs === like.timeoutMs &&
    job.concurrencyKey === undefined &&
    !job.runAt &&
    !job.delayMs
  );
}

/** As JSON text, with the payload unchanged. */
function toRecord(job: NewJob, position: number): string {
  const columns = storableJson({
    q: job.queue,
    t: job.type,
    o: job.priority,
    r: job.runAt ? instantText(job.runAt) : undefined,
    d: job.delayMs,
    m: job.maxAttempts,
    x: job.timeoutMs,
    i: job.idempotencyKey,
    c: job.concurrencyKey,
    l: job.concurrencyLimit,
    n: job.idempotencyKey === undefined && job.replaceKey === undefined ? undefined : position,
    k: job.replaceKey,
    s: job.keepsRunAt,
  });
  return `{"p":${job.payload},${columns.slice(1)}`;
}
