import type { NewJob, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import { recordset, runAtColumn, runnableHint } from "./enqueue-jobs.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

/**
 * Stores jobs, some with an idempotency key, in one statement. DO UPDATE, not DO NOTHING, because the loser of a race needs
 * the winner's job id. Keys are locked in sorted order, so that two calls cannot deadlock.
 */
export function enqueueOnce(
  sql: PostgresClient,
  jobs: readonly NewJob[],
  now: Instant | undefined,
): Query<
  {
    id: string;
    existed: boolean;
  }[]
> {
  const at = timeOf(sql, now);
  return sql<{ id: string; existed: boolean }[]>`
    WITH job AS MATERIALIZED (
      SELECT *, nextval('jobs_id_seq') AS new_id FROM ${recordset(sql, jobs)}
    ),
    first_use AS (
      SELECT DISTINCT ON (q, i) q, i, new_id FROM job WHERE i IS NOT NULL ORDER BY q, i, n
    ),
    taken AS (
      INSERT INTO job_idempotency_keys AS known (queue, idempotency_key, job_id, created_at)
      SELECT q, i, new_id, ${at} FROM first_use ORDER BY q, i
      ON CONFLICT (queue, idempotency_key) DO UPDATE SET job_id = known.job_id
      RETURNING queue, idempotency_key, job_id
    ),
    resolved AS (
      SELECT job.*, COALESCE(taken.job_id, job.new_id) AS job_id
      FROM job LEFT JOIN taken ON taken.queue = job.q AND taken.idempotency_key = job.i
    ),
    stored AS (
      INSERT INTO jobs (id, queue, type, payload, priority, run_at, max_attempts, timeout_ms, idempotency_key,
        concurrency_key, concurrency_limit, created_at, updated_at)
      OVERRIDING SYSTEM VALUE
      SELECT job.new_id, job.q, job.t, job.p, COALESCE(job.o, 0), ${runAtColumn(sql, now)}, COALESCE(job.m, 25),
        job.x, job.i, job.c, COALESCE(job.l, 1), ${at}, ${at}
      FROM resolved AS job WHERE job.job_id = job.new_id
    )
    SELECT resolved.job_id AS id, resolved.job_id <> resolved.new_id AS existed
    FROM resolved, ${runnableHint(sql, jobs)} ORDER BY resolved.new_id`;
}
