import type { JobSummary } from "../contract/admin-store.ts";
import type { FailureKind, JobRecord, JobStatus } from "../contract/driver.ts";
import type { AttemptOutcome, AttemptRecord, JobProgress } from "../contract/durable-store.ts";

/** A row of `all_jobs`, with times as ISO text. */
export type JobRow = {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: unknown;
  readonly status: JobStatus;
  readonly priority: number;
  /** Null: runnable when the job last changed. */
  readonly run_at: string | null;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly recoveries: number;
  readonly lease_generation: number;
  readonly lease_token: string | null;
  readonly lease_expires_at: string | null;
  readonly heartbeat_at: string | null;
  readonly locked_at: string | null;
  readonly locked_by: string | null;
  readonly timeout_ms: number | null;
  readonly idempotency_key: string | null;
  readonly concurrency_key: string | null;
  readonly progress: JobProgress | null;
  readonly last_error: string | null;
  readonly failed_at: string | null;
  readonly failure_kind: FailureKind | null;
  readonly dlq_reason: string | null;
  readonly dlq_failed_at: string | null;
  readonly output: unknown;
  readonly created_at: string;
  readonly updated_at: string;
  readonly completed_at: string | null;
};

/** A run of a job, with times as ISO text. */
export type AttemptRow = {
  readonly attempt: number;
  readonly lease_generation: number;
  readonly worker_id: string | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly outcome: AttemptOutcome;
  readonly error: string | null;
};

export type JobSummaryRow = Omit<JobRow, "payload" | "output" | "lease_token">;

/** The job as returned to callers. */
export function toJobRecord(row: JobRow): JobRecord {
  return {
    ...toJobSummary(row),
    payload: row.payload,
    leaseToken: row.lease_token,
    output: row.output,
  };
}

export function toJobSummary(row: JobSummaryRow): JobSummary {
  return {
    id: row.id,
    queue: row.queue,
    type: row.type,
    status: row.status,
    priority: row.priority,
    runAt: row.run_at,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    recoveries: row.recoveries,
    leaseGeneration: row.lease_generation,
    leaseExpiresAt: row.lease_expires_at,
    heartbeatAt: row.heartbeat_at,
    lockedAt: row.locked_at,
    lockedBy: row.locked_by,
    timeoutMs: row.timeout_ms,
    idempotencyKey: row.idempotency_key,
    concurrencyKey: row.concurrency_key,
    progress: row.progress,
    lastError: row.last_error,
    failedAt: row.failed_at,
    failureKind: row.failure_kind,
    dlqReason: row.dlq_reason,
    dlqFailedAt: row.dlq_failed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    completedAt: row.completed_at,
  };
}

export function toAttempt(row: AttemptRow): AttemptRecord {
  return {
    attempt: row.attempt,
    leaseGeneration: row.lease_generation,
    workerId: row.worker_id,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    error: row.error,
  };
}
