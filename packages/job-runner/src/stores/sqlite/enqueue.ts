import type { Database } from "bun:sqlite";
import { type Enqueued, MAX_ATTEMPTS_DEFAULT, type NewJob } from "../../contract/driver.ts";
import { one } from "../../contract/one.ts";
import type { Bindings } from "./bindings.ts";
import { runAtOf } from "./times.ts";

/** Stores jobs one at a time, because no statement leaves the process. */
export function createEnqueue(db: Database) {
  const knownKey = db.prepare<{ id: string }, Bindings>(`
    SELECT CAST(job_id AS TEXT) AS id FROM job_idempotency_keys
    WHERE queue = $queue AND idempotency_key = $idempotencyKey`);
  const insertJob = db.prepare<{ id: string }, Bindings>(`
    INSERT INTO jobs (queue, type, payload, priority, run_at, max_attempts, timeout_ms, idempotency_key,
      concurrency_key, concurrency_limit, replace_key, created_at, updated_at)
    VALUES ($queue, $type, $payload, $priority, $runAt, $maxAttempts, $timeoutMs, $idempotencyKey,
      $concurrencyKey, $concurrencyLimit, $replaceKey, $now, $now)
    RETURNING CAST(id AS TEXT) AS id`);
  const replaceJob = db.prepare<{ id: string }, Bindings>(`
    UPDATE jobs SET payload = $payload, priority = $priority, max_attempts = $maxAttempts, timeout_ms = $timeoutMs,
      concurrency_key = $concurrencyKey, concurrency_limit = $concurrencyLimit,
      run_at = iif($keepsRunAt, run_at, $runAt), updated_at = $now
    WHERE id = (SELECT id FROM jobs WHERE queue = $queue AND type = $type AND replace_key = $replaceKey
      AND status = 'queued' AND attempts = 0 AND recoveries = 0
      AND NOT EXISTS (SELECT 1 FROM job_steps WHERE job_id = jobs.id) ORDER BY jobs.id DESC LIMIT 1)
    RETURNING CAST(id AS TEXT) AS id`);
  const insertKey = db.prepare<unknown, Bindings>(`
    INSERT INTO job_idempotency_keys (queue, idempotency_key, job_id, created_at)
    VALUES ($queue, $idempotencyKey, $id, $now)`);

  return function enqueue(job: NewJob, now: bigint): Enqueued {
    const { queue, idempotencyKey } = job;
    const known = idempotencyKey === undefined ? null : knownKey.get({ queue, idempotencyKey });
    if (known !== null) return { id: known.id, existed: true };
    const { idempotencyKey: _none, ...changed } = columnsOf(job, now);
    const isReplacing = job.replaceKey !== undefined;
    const replaced = isReplacing
      ? replaceJob.get({ ...changed, keepsRunAt: Number(job.keepsRunAt ?? false) })
      : null;
    if (replaced !== null) return { id: replaced.id, existed: true };
    const row = one(insertJob.all(columnsOf(job, now)));
    if (idempotencyKey !== undefined) insertKey.run({ queue, idempotencyKey, id: row.id, now });
    return { id: row.id, existed: false };
  };
}

function columnsOf(job: NewJob, now: bigint): Bindings {
  return {
    queue: job.queue,
    type: job.type,
    payload: job.payload,
    priority: job.priority ?? 0,
    runAt: runAtOf(job, now),
    maxAttempts: job.maxAttempts ?? MAX_ATTEMPTS_DEFAULT,
    timeoutMs: job.timeoutMs ?? null,
    idempotencyKey: job.idempotencyKey ?? null,
    concurrencyKey: job.concurrencyKey ?? null,
    concurrencyLimit: job.concurrencyLimit ?? 1,
    replaceKey: job.replaceKey ?? null,
    now,
  };
}
