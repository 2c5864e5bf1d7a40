import type { Database } from "bun:sqlite";
import { EVENT_DAYS, type Retention } from "../../contract/driver.ts";
import type { Bindings } from "./bindings.ts";
import { LEASE_ENDED, UNLOCKED } from "./leases.ts";
import { daysInMicros } from "./times.ts";

const RECOVER_BATCH = 500;
/** Rows deleted per transaction: more would block the event loop. */
const FORGET_BATCH = 1000;

/** A trigger deletes steps, logs and attempts with their job. */
const FORGETTABLE: readonly { statement: string; days: (retention: Retention) => number }[] = [
  {
    statement: `DELETE FROM jobs WHERE id IN (
      SELECT id FROM jobs WHERE status = 'completed' AND completed_at < $before LIMIT ${FORGET_BATCH})`,
    days: ({ archiveDays }) => archiveDays,
  },
  {
    statement: `DELETE FROM job_idempotency_keys WHERE (queue, idempotency_key) IN (
      SELECT queue, idempotency_key FROM job_idempotency_keys WHERE created_at < $before LIMIT ${FORGET_BATCH})`,
    days: ({ idempotencyKeyDays }) => idempotencyKeyDays,
  },
  {
    statement: `DELETE FROM job_events WHERE id IN (
      SELECT id FROM job_events WHERE created_at < $before AND needs_match = 0 LIMIT ${FORGET_BATCH})`,
    days: ({ eventDays }) => eventDays ?? EVENT_DAYS,
  },
  {
    statement: "DELETE FROM job_schedules WHERE next_at < $before",
    days: ({ eventDays }) => eventDays ?? EVENT_DAYS,
  },
];

export type Maintenance = {
  recover: (
    maxRecoveries: number,
    now: bigint,
  ) => {
    requeued: number;
    dead: number;
  };
  cancel(jobId: string, reason: string, now: bigint): boolean;
  forgetBatch(retention: Retention, now: bigint): boolean;
};

/** Changes of jobs without a lease: recovery, cancellation, retention. */
export function createMaintenance(db: Database): Maintenance {
  const recoverStatement = db.prepare<{ status: "queued" | "failed" }, Bindings>(`
    UPDATE jobs SET recoveries = recoveries + 1, run_at = min(run_at, $now), ${LEASE_ENDED}, ${UNLOCKED},
      status = iif(recoveries >= $maxRecoveries, 'failed', 'queued'),
      failed_at = iif(recoveries >= $maxRecoveries, $now, NULL),
      failure_kind = iif(recoveries >= $maxRecoveries, 'lease_expired', NULL),
      dlq_reason = iif(recoveries >= $maxRecoveries, 'lease_expired', NULL),
      dlq_failed_at = iif(recoveries >= $maxRecoveries, $now, NULL)
    WHERE id IN (SELECT id FROM jobs WHERE status = 'running' AND lease_expires_at <= $now
      ORDER BY lease_expires_at LIMIT ${RECOVER_BATCH})
    RETURNING status`);
  const unparkStatement = db.prepare<unknown, Bindings>(`
    UPDATE jobs SET updated_at = $now WHERE id IN (SELECT id FROM jobs
      WHERE concurrency_key IS NOT NULL AND status = 'queued' AND run_at > updated_at AND run_at <= $now
      ORDER BY run_at LIMIT ${RECOVER_BATCH})`);
  const cancelStatement = db.prepare<unknown, Bindings>(`
    UPDATE jobs SET status = 'failed', run_at = min(run_at, $now), failure_kind = 'cancelled', failed_at = $now,
      last_error = $reason, ${LEASE_ENDED}, ${UNLOCKED}
    WHERE id = $jobId AND status IN ('queued', 'running')`);
  const forget = FORGETTABLE.map(({ statement, days }) => ({
    delete: db.prepare<unknown, Bindings>(statement),
    days,
  }));

  /** Recovers jobs with expired leases, and moves due parked keyed jobs to the index of the claim. */
  function recover(maxRecoveries: number, now: bigint) {
    unparkStatement.run({ now });
    const rows = recoverStatement.all({ maxRecoveries, now });
    const requeued = rows.filter(({ status }) => status === "queued").length;
    return { requeued, dead: rows.length - requeued };
  }

  function cancel(jobId: string, reason: string, now: bigint): boolean {
    return cancelStatement.run({ jobId, reason, now }).changes > 0;
  }

  /** Deletes a batch of rows after their retention; true when there may be more. */
  function forgetBatch(retention: Retention, now: bigint): boolean {
    const counts = forget.map(
      (old) => old.delete.run({ before: now - daysInMicros(old.days(retention)) }).changes,
    );
    return counts.includes(FORGET_BATCH);
  }

  return { recover, cancel, forgetBatch };
}
