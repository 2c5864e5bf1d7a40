import {
  type FailureKind,
  type JobRecord,
  type JobStatus,
  MAX_ATTEMPTS_DEFAULT,
  type NewJob,
  type ReservedJob,
} from "../../contract/driver.ts";
import type { JobProgress } from "../../contract/durable-store.ts";
import { type Instant, instantMicros, microsText } from "../../contract/instant.ts";
import type { JsonText } from "../../contract/storable-json.ts";
import { endAttempt } from "./attempts.ts";

/** The time of jobs that are never due; later than all others. */
export const NEVER = 2n ** 63n - 1n;

/** A job of the memory driver; times are microseconds since 1970. */
export type MemoryJob = {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  payload: JsonText;
  maxAttempts: number;
  timeoutMs: number | null;
  readonly idempotencyKey: string | null;
  concurrencyKey: string | null;
  concurrencyLimit: number;
  readonly replaceKey: string | null;
  readonly createdAt: bigint;
  status: JobStatus;
  /** Counts its changes: entries made before the last one are invalid. */
  place: number;
  priority: number;
  /** When it is due; for a job that was runnable immediately, when it was enqueued. */
  runAt: bigint;
  progress: JobProgress | null;
  lease: MemoryLease | null;
  leaseGeneration: number;
  attempts: number;
  recoveries: number;
  lastError: string | null;
  failedAt: bigint | null;
  failureKind: FailureKind | null;
  dlqReason: string | null;
  dlqFailedAt: bigint | null;
  lockedAt: bigint | null;
  lockedBy: string | null;
  output: JsonText | null;
  updatedAt: bigint;
  completedAt: bigint | null;
  /** Runs that did not complete, oldest first. */
  readonly ended: MemoryAttempt[];
};

export type MemoryAttempt = {
  readonly attempt: number;
  readonly leaseGeneration: number;
  readonly lease: MemoryLease;
  readonly endedAt: bigint;
  readonly outcome: "failed" | "lease_lost" | "cancelled";
  readonly error: string | null;
};

export type MemoryLease = {
  readonly token: string;
  readonly workerId: string;
  readonly lockedAt: bigint;
  readonly heartbeatAt: bigint;
  readonly expiresAt: bigint;
};

export function newMemoryJob(id: string, job: NewJob, now: bigint): MemoryJob {
  return {
    id,
    queue: job.queue,
    type: job.type,
    payload: job.payload,
    priority: job.priority ?? 0,
    maxAttempts: job.maxAttempts ?? MAX_ATTEMPTS_DEFAULT,
    timeoutMs: job.timeoutMs ?? null,
    idempotencyKey: job.idempotencyKey ?? null,
    concurrencyKey: job.concurrencyKey ?? null,
    concurrencyLimit: job.concurrencyLimit ?? 1,
    replaceKey: job.replaceKey ?? null,
    createdAt: now,
    status: "queued",
    place: 0,
    runAt: runAtOf(job, now),
    lease: null,
    leaseGeneration: 0,
    attempts: 0,
    recoveries: 0,
    progress: null,
    lastError: null,
    failedAt: null,
    failureKind: null,
    dlqReason: null,
    dlqFailedAt: null,
    lockedAt: null,
    lockedBy: null,
    output: null,
    updatedAt: now,
    completedAt: null,
    ended: [],
  };
}

/** Gives a waiting job the input, time and limits of a new one. */
export function replaceJob(job: MemoryJob, by: NewJob, now: bigint): void {
  const { payload, priority, maxAttempts, timeoutMs, concurrencyKey, concurrencyLimit, runAt } = newMemoryJob(
    job.id,
    by,
    now,
  );
  Object.assign(job, {
    payload,
    priority,
    maxAttempts,
    timeoutMs,
    concurrencyKey,
    concurrencyLimit,
    updatedAt: now,
  });
  if (!by.keepsRunAt) job.runAt = runAt;
}

export function startLease(
  job: MemoryJob,
  lease: { token: string; workerId: string; leaseMs: number },
  now: bigint,
): void {
  const { token, workerId, leaseMs } = lease;
  job.lease = {
    token,
    workerId,
    lockedAt: now,
    heartbeatAt: now,
    expiresAt: now + BigInt(Math.round(leaseMs * 1000)),
  };
  job.status = "running";
  job.leaseGeneration += 1;
  job.updatedAt = now;
}

export function endLease(job: MemoryJob, status: JobStatus, now: bigint): void {
  job.lease = null;
  if (job.runAt > now) job.runAt = now;
  job.status = status;
  job.updatedAt = now;
}

export function cancelJob(job: MemoryJob, reason: string, now: bigint): void {
  endAttempt(job, { outcome: "cancelled", error: reason }, now);
  endLease(job, "failed", now);
  Object.assign(job, { failureKind: "cancelled", failedAt: now, lastError: reason });
}

/** Requeues a failed job; resets its failure and its lost leases. */
export function reviveJob(job: MemoryJob, keepAttempts: boolean, now: bigint): void {
  endLease(job, "queued", now);
  Object.assign(job, {
    runAt: now,
    failureKind: null,
    failedAt: null,
    dlqReason: null,
    dlqFailedAt: null,
    recoveries: 0,
  });
  if (!keepAttempts) job.attempts = 0;
}

export function toReserved(job: MemoryJob, token: string): ReservedJob {
  return {
    jobId: job.id,
    token,
    queue: job.queue,
    type: job.type,
    payload: JSON.parse(job.payload),
    attempts: job.attempts,
    maxAttempts: job.maxAttempts,
    recoveries: job.recoveries,
    timeoutMs: job.timeoutMs,
    concurrencyKey: job.concurrencyKey,
    waitedMs: Number(job.updatedAt - job.runAt) / 1000,
  };
}

export function toRecord(job: MemoryJob): JobRecord {
  const { lease, concurrencyLimit: _limit, ended: _ended, place: _place, replaceKey: _key, ...rest } = job;
  return {
    ...rest,
    payload: JSON.parse(job.payload),
    output: job.output === null ? null : JSON.parse(job.output),
    runAt: job.runAt > job.updatedAt ? textOrNull(job.runAt) : null,
    leaseToken: lease?.token ?? null,
    leaseExpiresAt: textOrNull(lease?.expiresAt),
    heartbeatAt: textOrNull(lease?.heartbeatAt),
    lockedAt: textOrNull(lease?.lockedAt ?? job.lockedAt),
    lockedBy: lease?.workerId ?? job.lockedBy,
    failedAt: textOrNull(job.failedAt),
    dlqFailedAt: textOrNull(job.dlqFailedAt),
    createdAt: microsText(job.createdAt),
    updatedAt: microsText(job.updatedAt),
    completedAt: textOrNull(job.completedAt),
  };
}

/** Now at the earliest. A delay takes precedence over an instant. */
export function runAtOf(job: { runAt?: Instant | 0 | null; delayMs?: number }, now: bigint): bigint {
  const delayMicros = BigInt(Math.round((job.delayMs ?? 0) * 1000));
  if (delayMicros > 0n) return now + delayMicros;
  const runAt = job.delayMs === undefined && job.runAt ? instantMicros(job.runAt) : now;
  return runAt > now ? runAt : now;
}

export function textOrNull(micros: bigint | null | undefined): string | null {
  if (micros === NEVER) return "infinity";
  return micros === null || micros === undefined ? null : microsText(micros);
}
