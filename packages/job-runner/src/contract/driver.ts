import type { ISql } from "postgres";
import type { AdminStore } from "./admin-store.ts";
import type { DurableStore, JobProgress } from "./durable-store.ts";
import type { LeaseRefusal } from "./errors.ts";
import type { Instant } from "./instant.ts";
import type { ScheduleStore } from "./schedule-store.ts";
import type { JsonText } from "./storable-json.ts";

export type JobStatus = "queued" | "running" | "completed" | "failed";
export type FailureKind =
  | "attempts_exhausted"
  | "unrecoverable"
  | "invalid_input"
  | "lease_expired"
  | "cancelled"
  | "operator";

/** Runs tagged statements on Postgres: a pool, a reserved connection or a transaction. */
// biome-ignore lint/complexity/noBannedTypes: the driver's own default for "no custom types"
export type PostgresClient = ISql<{}>;

/** A job to store. Smaller priorities run first. */
export type NewJob = {
  readonly queue: string;
  readonly type: string;
  readonly payload: JsonText;
  readonly priority?: number;
  /** Not before this instant; absent or past: runnable now. */
  readonly runAt?: Instant | null;
  /** Not before this many milliseconds from now, by the store's clock. Takes precedence over `runAt`. */
  readonly delayMs?: number;
  readonly maxAttempts?: number;
  readonly timeoutMs?: number;
  readonly idempotencyKey?: string;
  readonly concurrencyKey?: string;
  readonly concurrencyLimit?: number;
  /** Replaces a queued job of the same type and queue with this key that has not run. Not together with idempotencyKey. */
  readonly replaceKey?: string;
  /** The replaced job keeps its time. */
  readonly keepsRunAt?: boolean;
};

export type Enqueued = {
  readonly id: string;
  /** True when the idempotency key was known (nothing was created or changed), or a waiting job was replaced. */
  readonly existed: boolean;
};

/** Proof that the caller holds the job. */
export type Lease = {
  readonly jobId: string;
  readonly token: string;
};

export type ReservedJob = {
  readonly queue: string;
  readonly type: string;
  readonly payload: unknown;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly recoveries: number;
  readonly timeoutMs: number | null;
  readonly concurrencyKey: string | null;
  /** Milliseconds between becoming runnable and this claim, by the store's clock. */
  readonly waitedMs: number;
} & Lease;

export type ReserveRequest = {
  readonly queue: string;
  readonly workerId: string;
  readonly leaseMs: number;
  readonly limit: number;
  /** Only these types; absent: every type. */
  readonly types?: readonly string[];
  /** Lost leases until a job is a dead letter. Default 5. */
  readonly maxRecoveries?: number;
};

export type Reservation = {
  readonly jobs: ReservedJob[];
  /** Jobs with expired leases: requeued, or dead after too many. */
  readonly recovered: { readonly requeued: number; readonly dead: number };
};

export type Ack = {
  readonly output?: JsonText | undefined;
} & Lease;

export type RetryRequest = {
  readonly error: string;
  /** Null, zero or absent: runnable now. */
  readonly runAt?: Instant | 0 | null;
  readonly delayMs?: number;
};

export type FailRequest = {
  readonly error: string;
  readonly kind: FailureKind;
  /** Why it is a dead letter. Default: the error. */
  readonly reason?: string;
};

export type HandOverRequest = {
  readonly workerId: string;
  readonly leaseMs: number;
  readonly token: string;
};

export type DeadLetterFilter = {
  readonly queue?: string;
  readonly type?: string;
  readonly ids?: readonly string[];
};

export type JobRecord = {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: unknown;
  readonly status: JobStatus;
  readonly priority: number;
  /** Null: runnable now (or already run). `infinity`: until an event wakes it. */
  readonly runAt: string | null;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly recoveries: number;
  readonly leaseGeneration: number;
  readonly leaseToken: string | null;
  readonly leaseExpiresAt: string | null;
  readonly heartbeatAt: string | null;
  readonly lockedAt: string | null;
  readonly lockedBy: string | null;
  readonly timeoutMs: number | null;
  readonly idempotencyKey: string | null;
  readonly concurrencyKey: string | null;
  readonly progress: JobProgress | null;
  readonly lastError: string | null;
  readonly failedAt: string | null;
  readonly failureKind: FailureKind | null;
  readonly dlqReason: string | null;
  readonly dlqFailedAt: string | null;
  readonly output: unknown;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
};

/** The time of an operation, for tests. Default: the store's clock. */
export type At = {
  readonly now?: Instant;
};

export type EnqueueOptions = {
  /** Store the jobs with the caller's transaction (Postgres only). */
  readonly transaction?: PostgresClient;
} & At;

export type Retention = {
  readonly archiveDays: number;
  readonly idempotencyKeyDays: number;
  /** Retention of events, and of schedules without a tick. Default: EVENT_DAYS. */
  readonly eventDays?: number;
};

export const EVENT_DAYS = 30;
/** Failures until a job is a dead letter, by default. */
export const MAX_ATTEMPTS_DEFAULT = 25;

/** Notifications that save polls. They may be lost, late or duplicated; polling finds everything. */
export type Hints = {
  onRunnable(queue: string): void;
  onCancelled(jobId: string): void;
  /** An event was stored: deliverEvents should run. */
  onEvent(): void;
  /** Called when notifications are interrupted. */
  onError(error: unknown): void;
};

/**
 * The contract of a store. Lease checks fail with JobNotInflightError, then LeaseExpiredError, then
 * LeaseMismatchError. Batches (ack, extend) return the rejected leases and apply to all others.
 */
export type Driver = {
  readonly name: "postgres" | "kysely" | "memory" | "sqlite";
  /** Operations take effect in the order of their calls; a claim directly after an acknowledgement shares its transaction. */
  readonly isSequential?: boolean;
  enqueue(jobs: readonly NewJob[], options?: EnqueueOptions): Promise<Enqueued[]>;
  /** Stores a job as running under the caller's lease; undefined, with nothing stored, when the queue is paused. */
  handOver(job: NewJob, request: HandOverRequest, at?: At): Promise<ReservedJob | undefined>;
  /** Recovers expired leases, then claims up to `limit` runnable jobs under one new token. */
  reserve(request: ReserveRequest, at?: At): Promise<Reservation>;
  extend(leases: readonly Lease[], leaseMs: number, at?: At): Promise<LeaseRefusal[]>;
  /** Completes jobs. Repeating it for a completed job succeeds, with any token. */
  ack(acks: readonly Ack[], at?: At): Promise<LeaseRefusal[]>;
  retry(lease: Lease, request: RetryRequest, at?: At): Promise<void>;
  /** Makes a job a dead letter. Repeating it for a completed or dead job succeeds. */
  fail(lease: Lease, request: FailRequest, at?: At): Promise<void>;
  /** Releases jobs that were never started. Ignores expired leases. */
  release(leases: readonly Lease[], at?: At): Promise<void>;
  /** True when the job was queued or running and is now cancelled. */
  cancel(jobId: string, reason: string, at?: At): Promise<boolean>;
  get(jobId: string, at?: At): Promise<JobRecord | undefined>;
  /** Dead letters, oldest first, after the given id. */
  deadLetters(filter: DeadLetterFilter, page: { limit: number; after?: string }): Promise<JobRecord[]>;
  /** Undefined: this store sends no notifications. */
  listen?(hints: Hints): Promise<{ close(): Promise<void> } | undefined>;
  /** Deletes archived jobs with their steps and logs, idempotency keys and events after their retention. */
  maintain(retention: Retention, at?: At): Promise<void>;
  /** Closes what the driver opened itself. */
  close?(): Promise<void>;
  /** Closes replacements of the caller's unresponsive pools. The driver remains usable. */
  endReplacements?(): Promise<void>;
} & AdminStore &
  DurableStore &
  ScheduleStore;
