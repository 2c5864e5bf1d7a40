import type { Database } from "bun:sqlite";
import type { Ack, FailRequest, JobStatus, Lease, RetryRequest } from "../../contract/driver.ts";
import {
  JobNotInflightError,
  LeaseExpiredError,
  LeaseMismatchError,
  type LeaseRefusal,
} from "../../contract/errors.ts";
import type { Bindings } from "./bindings.ts";
import { millisecondsInMicros, runAtOf } from "./times.ts";

export const LEASE_ENDED =
  "lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL, updated_at = $now";
const LEASE_HOLDS = "id = $jobId AND lease_token = $token AND lease_expires_at > $now";
export const UNLOCKED = "locked_at = NULL, locked_by = NULL";

export type LeaseOperations = {
  check({ jobId, token }: Lease, now: bigint): void;
  extend(lease: Lease, leaseMs: number, now: bigint): LeaseRefusal | undefined;
  complete(ack: Ack, now: bigint): LeaseRefusal | undefined;
  retry(lease: Lease, request: RetryRequest, now: bigint): LeaseRefusal | undefined;
  fail(lease: Lease, { error, kind, reason }: FailRequest, now: bigint): LeaseRefusal | undefined;
  release({ jobId, token }: Lease, now: bigint): void;
};

/** Operations of the holder of a lease. Each returns why it was rejected, or undefined. */
export function createLeaseOperations(db: Database): LeaseOperations {
  const statements = prepareStatements(db);
  const state = db.prepare<{ status: JobStatus; expired: number | null }, Bindings>(
    "SELECT status, lease_expires_at <= $now AS expired FROM jobs WHERE id = $jobId",
  );

  const holds = db.prepare<unknown, Bindings>(`SELECT 1 FROM jobs WHERE ${LEASE_HOLDS}`);

  type Statement = keyof typeof statements;
  type Context = { now: bigint; values?: Bindings; accepted?: readonly JobStatus[] };

  /** A job in an accepted state counts as an earlier success. */
  function underLease(statement: Statement, { jobId, token }: Lease, context: Context) {
    const { now, values, accepted = [] } = context;
    if (statements[statement].run({ jobId, token, now, ...values }).changes > 0) return undefined;
    const found = state.get({ jobId, now });
    if (found !== null && accepted.includes(found.status)) return undefined;
    return { jobId, error: refusal(jobId, found) };
  }

  /** Throws unless the lease is valid. */
  function check({ jobId, token }: Lease, now: bigint): void {
    if (holds.get({ jobId, token, now }) === null) throw refusal(jobId, state.get({ jobId, now }));
  }

  function extend(lease: Lease, leaseMs: number, now: bigint): LeaseRefusal | undefined {
    return underLease("extend", lease, { now, values: { expiresAt: now + millisecondsInMicros(leaseMs) } });
  }

  function complete(ack: Ack, now: bigint): LeaseRefusal | undefined {
    const values = { output: ack.output ?? null };
    return underLease("complete", ack, { now, values, accepted: ["completed"] });
  }

  function retry(lease: Lease, request: RetryRequest, now: bigint): LeaseRefusal | undefined {
    const delayMs = request.delayMs ? { delayMs: request.delayMs } : {};
    const runAt = runAtOf({ runAt: request.runAt ?? null, ...delayMs }, now);
    return underLease("retry", lease, { now, values: { error: request.error, runAt } });
  }

  function fail(lease: Lease, { error, kind, reason }: FailRequest, now: bigint): LeaseRefusal | undefined {
    const values = { error, kind, reason: reason ?? error };
    return underLease("fail", lease, { now, values, accepted: ["completed", "failed"] });
  }

  function release({ jobId, token }: Lease, now: bigint): void {
    statements.release.run({ jobId, token, now });
  }

  return { check, extend, complete, retry, fail, release };
}

function prepareStatements(db: Database) {
  return {
    extend: db.prepare(`UPDATE jobs SET heartbeat_at = $now, lease_expires_at = $expiresAt, updated_at = $now
      WHERE ${LEASE_HOLDS}`),
    complete:
      db.prepare(`UPDATE jobs SET status = 'completed', run_at = min(run_at, $now), output = $output, completed_at = $now,
      ${LEASE_ENDED} WHERE ${LEASE_HOLDS}`),
    retry: db.prepare(`UPDATE jobs SET status = 'queued', attempts = attempts + 1, last_error = $error,
      run_at = $runAt, ${LEASE_ENDED}, ${UNLOCKED} WHERE ${LEASE_HOLDS}`),
    fail: db.prepare(`UPDATE jobs SET status = 'failed', run_at = min(run_at, $now), attempts = attempts + 1, last_error = $error,
      failed_at = $now, failure_kind = $kind, dlq_reason = $reason, dlq_failed_at = $now, ${LEASE_ENDED}, ${UNLOCKED}
      WHERE ${LEASE_HOLDS}`),
    release:
      db.prepare(`UPDATE jobs SET status = 'queued', run_at = min(run_at, $now), ${LEASE_ENDED}, ${UNLOCKED}
      WHERE id = $jobId AND lease_token = $token`),
  };
}

function refusal(jobId: string, found: { status: JobStatus; expired: number | null } | null) {
  if (found?.status !== "running") return new JobNotInflightError(jobId);
  return found.expired ? new LeaseExpiredError(jobId) : new LeaseMismatchError(jobId);
}
