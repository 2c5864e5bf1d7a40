import type { At, JobRecord, ReservedJob } from "./driver.ts";
import type { Instant } from "./instant.ts";

export const JOB_STATES = [
  "ready",
  "scheduled",
  "waiting",
  "running",
  "completed",
  "dead",
  "cancelled",
] as const;

/**
 * The state of a job as operators see it; a job is in exactly one state at a time.
 * `ready`: queued and due. `scheduled`: queued for later (including retries and sleeps). `waiting`: queued until an event
 * (`run_at` is infinity). `dead`: failed with a dlq_reason. `cancelled`: failed without one.
 */
export type JobState = (typeof JOB_STATES)[number];

/** Jobs that match every given field. An empty list matches no job; an empty filter matches every job. */
export type JobFilter = {
  readonly states?: readonly JobState[];
  readonly queue?: string;
  /** All queues but this one. */
  readonly exceptQueue?: string;
  readonly type?: string;
  readonly ids?: readonly string[];
  readonly concurrencyKey?: string;
  /** Exclusive. */
  readonly createdAfter?: Instant;
  /** Exclusive. */
  readonly createdBefore?: Instant;
};

/** A job without its payload, output and lease token, which `get` returns. */
export type JobSummary = Omit<JobRecord, "payload" | "output" | "leaseToken">;

export type JobPage = {
  readonly limit: number;
  /** Jobs with lower ids than this one: the last id of the previous page. */
  readonly before?: string;
};

/** A count that stops at COUNT_MAX, so that it costs the same in a queue of millions. */
export type BoundedCount = {
  readonly count: number;
  /** True: `count` is a lower bound. */
  readonly isCapped: boolean;
};

/** The highest count that is returned. */
export const COUNT_MAX = 10_000;
/** `completedPerSecond` is computed from this many of the newest completed jobs, within the window. */
export const THROUGHPUT_SAMPLE = 10_000;
export const THROUGHPUT_WINDOW_MS = 60_000;

export type QueueStats = {
  readonly queue: string;
  readonly ready: BoundedCount;
  readonly scheduled: BoundedCount;
  readonly waiting: BoundedCount;
  readonly running: BoundedCount;
  readonly dead: BoundedCount;
  /** Milliseconds since the oldest ready job became runnable; null when none is ready. */
  readonly oldestReadyMs: number | null;
  /** An estimate for the last minute, from a sample of the newest completed jobs of all queues. */
  readonly completedPerSecond: number;
  /** Null: not paused. */
  readonly pausedAt: string | null;
  readonly pauseReason: string | null;
};

/** A worker that holds jobs now; the store does not know workers without jobs. */
export type WorkerSummary = {
  readonly workerId: string;
  /** Jobs that it has claimed, runs, or has not acknowledged yet. */
  readonly jobs: BoundedCount;
  readonly oldestLockedAt: string;
  readonly lastHeartbeatAt: string;
};

/** What keeps vacuum from removing dead rows. */
export type SnapshotHolder = {
  readonly kind: "backend" | "prepared_transaction" | "replication_slot";
  /** Process id, transaction name or slot name. */
  readonly name: string;
  /** The backend's application_name; null for prepared transactions and slots. */
  readonly application: string | null;
  /** Age of its transaction; null for a slot. */
  readonly ageMs: number | null;
  /** Transactions that began after its snapshot. */
  readonly ageTransactions: number;
};

export type JobChange = {
  /** Null: runnable now. */
  readonly runAt?: Instant | null;
  readonly priority?: number;
};

export type ReserveOneRequest = {
  readonly workerId: string;
  readonly leaseMs: number;
};

/**
 * Operations of operators on the jobs of every process, without a lease.
 * `reserve` and `handOver` respect a pause from the moment it is stored: `reserve` claims nothing from the queue,
 * and `handOver` returns undefined and stores nothing. Running jobs continue.
 */
export type AdminStore = {
  /** Newest first (highest id first), archived jobs included. */
  list(filter: JobFilter, page: JobPage, at?: At): Promise<JobSummary[]>;
  /** The number of matching jobs, archived ones included. */
  count(filter: JobFilter, at?: At): Promise<BoundedCount>;
  /** Cancels the matching queued and running jobs and returns their ids. */
  cancelAll(filter: JobFilter, reason: string, at?: At): Promise<string[]>;
  /**
   * Requeues the matching failed jobs, runnable now; returns their number. Without `states` only dead letters match; cancelled
   * jobs match only if `states` includes them. Attempts are reset to 0 unless kept; recoveries always are.
   */
  requeue(filter: JobFilter, options?: { keepAttempts?: boolean } & At): Promise<number>;
  /**
   * Deletes the matching jobs that are not running, including archived ones, with their steps, log and attempts; returns their
   * number. Their idempotency keys are kept.
   */
  remove(filter: JobFilter, at?: At): Promise<number>;
  /** Changes the time and priority of a ready or scheduled job; false when it is in another state. */
  reschedule(jobId: string, change: JobChange, at?: At): Promise<boolean>;
  /** Claims this job if it is ready or scheduled, also in a paused queue; undefined otherwise, or when its concurrency key is taken. */
  reserveOne(jobId: string, request: ReserveOneRequest, at?: At): Promise<ReservedJob | undefined>;
  /** Figures of all queues that hold jobs or are paused, and of the named ones, ordered by name. */
  queueStats(alsoQueues?: readonly string[], at?: At): Promise<QueueStats[]>;
  /** Stops all claims from the queue until `resumeQueue`; false when it was paused already. */
  pauseQueue(queue: string, reason: string | null, at?: At): Promise<boolean>;
  /** False when it was not paused. */
  resumeQueue(queue: string): Promise<boolean>;
  /** Running jobs of every process, longest first. */
  runningJobs(limit: number): Promise<JobSummary[]>;
  /** Ordered by name; reads at most COUNT_MAX running jobs. */
  workers(): Promise<WorkerSummary[]>;
  /** Snapshots, prepared transactions and slots that have held back vacuum for longer; on Postgres only. */
  snapshotHolders?(olderThanMs: number): Promise<SnapshotHolder[]>;
};
