import type { Database } from "bun:sqlite";
import { type Enqueued, MAX_ATTEMPTS_DEFAULT, type NewJob } from "../driver.ts";
import { type Bindings, jsonText } from "./bindings.ts";
import { runAtOf } from "./times.ts";

/** Stores jobs; one at a time, as no statement leaves the process. */
export function createEnqueue(db: Database) {
  const knownKey = db.prepare<{ id: string }, Bindings>(`
    SELECT CAST(job_id AS TEXT) AS id FROM job_idempotency_keys
    WHERE queue = $queue AND idempotency_key = $idempotencyKey`);
  const insertJob = db.prepare<{ id: string }, Bindings>(`
    INSERT INTO jobs (queue, type, payload, priority, run_at, max_attempts, timeout_ms, idempotency_key,
      concurrency_key, concurrency_limit, created_at, updated_at)
    VALUES ($queue, $type, $payload, $priority, $runAt, $maxAttempts, $timeoutMs, $idempotencyKey,
      $concurrencyKey, $concurrencyLimit, $now, $now)
    RETURNING CAST(id AS TEXT) AS id`);
  const insertKey = db.prepare<unknown, Bindings>(`
    INSERT INTO job_idempotency_keys (queue, idempotency_key, job_id, created_at)
    VALUES ($queue, $idempotencyKey, $id, $now)`);

  return function enqueue(job: NewJob, now: bigint): Enqueued {
    const { queue, idempotencyKey } = job;
    const known = idempotencyKey === undefined ? null : knownKey.get({ queue, idempotencyKey });
    if (known !== null) return { id: known.id, existed: true };
    const row = insertJob.get(columnsOf(job, now));
    if (row === null) throw new Error("INSERT … RETURNING came back empty.");
    if (idempotencyKey !== undefined) insertKey.run({ queue, idempotencyKey, id: row.id, now });
    return { id: row.id, existed: false };
  };
}

function columnsOf(job: NewJob, now: bigint): Bindings {
  return {
    queue: job.queue,
    type: job.type,
    payload: jsonText(job.payload),
    priority: job.priority ?? 0,
    runAt: runAtOf(job, now),
    maxAttempts: job.maxAttempts ?? MAX_ATTEMPTS_DEFAULT,
    timeoutMs: job.timeoutMs ?? null,
    idempotencyKey: job.idempotencyKey ?? null,
    concurrencyKey: job.concurrencyKey ?? null,
    concurrencyLimit: job.concurrencyLimit ?? 1,
    now,
  };
}
