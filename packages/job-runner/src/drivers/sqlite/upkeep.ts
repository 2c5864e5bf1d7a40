import type { Database } from "bun:sqlite";
import type { DeadLetterFilter } from "../driver.ts";
import { type Bindings, listText } from "./bindings.ts";
import { LEASE_ENDED, UNLOCKED } from "./leases.ts";
import { daysInMicros } from "./times.ts";

const RECOVER_BATCH = 500;
/** Rows that one transaction deletes: more would keep the event loop from everything else. */
const FORGET_BATCH = 1000;

export const MATCHES_DEAD_LETTER = `dlq_reason IS NOT NULL AND ($queue IS NULL OR queue = $queue)
  AND ($type IS NULL OR type = $type) AND ($ids IS NULL OR id IN (SELECT CAST(value AS INTEGER) FROM json_each($ids)))`;

/** What changes jobs without their lease: recovery, cancel, replay, retention. */
export function createUpkeep(db: Database) {
  const recoverStatement = db.prepare<{ status: "queued" | "failed" }, Bindings>(`
    UPDATE jobs SET recoveries = recoveries + 1, run_at = 0, ${LEASE_ENDED}, ${UNLOCKED},
      status = iif(recoveries >= $maxRecoveries, 'failed', 'queued'),
      failed_at = iif(recoveries >= $maxRecoveries, $now, NULL),
      failure_kind = iif(recoveries >= $maxRecoveries, 'lease_expired', NULL),
      dlq_reason = iif(recoveries >= $maxRecoveries, 'lease_expired', NULL),
      dlq_failed_at = iif(recoveries >= $maxRecoveries, $now, NULL)
    WHERE id IN (SELECT id FROM jobs WHERE status = 'running' AND lease_expires_at <= $now
      ORDER BY lease_expires_at LIMIT ${RECOVER_BATCH})
    RETURNING status`);
  const cancelStatement = db.prepare<unknown, Bindings>(`
    UPDATE jobs SET status = 'failed', run_at = 0, failure_kind = 'cancelled', failed_at = $now,
      last_error = $reason, ${LEASE_ENDED}, ${UNLOCKED}
    WHERE id = $jobId AND status IN ('queued', 'running')`);
  const requeueStatement = db.prepare<unknown, Bindings>(`
    UPDATE jobs SET status = 'queued', run_at = 0, recoveries = 0, attempts = iif($keepAttempts, attempts, 0),
      failed_at = NULL, failure_kind = NULL, dlq_reason = NULL, dlq_failed_at = NULL, updated_at = $now
    WHERE ${MATCHES_DEAD_LETTER}`);
  const forgetJobs = db.prepare<unknown, Bindings>(`
    DELETE FROM jobs WHERE id IN (
      SELECT id FROM jobs WHERE status = 'completed' AND completed_at < $before LIMIT ${FORGET_BATCH})`);
  const forgetKeys = db.prepare<unknown, Bindings>(`
    DELETE FROM job_idempotency_keys WHERE (queue, idempotency_key) IN (
      SELECT queue, idempotency_key FROM job_idempotency_keys WHERE created_at < $before LIMIT ${FORGET_BATCH})`);

  function recover(maxRecoveries: number, now: bigint) {
    const rows = recoverStatement.all({ maxRecoveries, now });
    const requeued = rows.filter(({ status }) => status === "queued").length;
    return { requeued, dead: rows.length - requeued };
  }

  function cancel(jobId: string, reason: string, now: bigint): boolean {
    return cancelStatement.run({ jobId, reason, now }).changes > 0;
  }

  function requeue(filter: DeadLetterFilter, keepAttempts: boolean, now: bigint): number {
    return requeueStatement.run({ ...filterBindings(filter), keepAttempts: Number(keepAttempts), now })
      .changes;
  }

  /** Forgets a batch of what is past its retention; true when there may be more. */
  function forget(days: { archiveDays: number; idempotencyKeyDays: number }, now: bigint): boolean {
    const jobs = forgetJobs.run({ before: now - daysInMicros(days.archiveDays) }).changes;
    const keys = forgetKeys.run({ before: now - daysInMicros(days.idempotencyKeyDays) }).changes;
    return jobs === FORGET_BATCH || keys === FORGET_BATCH;
  }

  return { recover, cancel, requeue, forget };
}

export function filterBindings({ queue, type, ids }: DeadLetterFilter): Bindings {
  return { queue: queue ?? null, type: type ?? null, ids: listText(ids) };
}
