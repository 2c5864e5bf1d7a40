import type { At, JobRecord, ReservedJob } from "./driver.ts";
import type { Instant } from "./instant.ts";

/**
 * Where a job stands, as an operator sees it; every job is in exactly one state at a time.
 * `ready`: queued and due. `scheduled`: queued for later (retries and sleeps, too). `waiting`: queued until an event
 * (`run_at` is infinity). `dead`: failed with a dlq_reason. `cancelled`: failed without one.
 */
export type JobState = "ready" | "scheduled" | "waiting" | "running" | "completed" | "dead" | "cancelled";

/** Jobs that match all that is given. An empty list matches nothing; an empty filter every job. */
export type JobFilter = {
  readonly states?: readonly JobState[];
  readonly queue?: string;
  readonly type?: string;
  readonly ids?: readonly string[];
  readonly concurrencyKey?: string;
  /** Exclusive. */
  readonly createdAfter?: Instant;
  /** Exclusive. */
  readonly createdBefore?: Instant;
};

/** A job without what may be large or secret: read those by `get`. */
export type JobSummary = Omit<JobRecord, "payload" | "output" | "leaseToken">;

export type JobPage = {
  readonly limit: number;
  /** Jobs with lower ids than this one: the last id of the page before. */
  readonly before?: string;
};

/** A count that stops at COUNT_MAX, so that it costs the same in a queue of millions. */
export type BoundedCount = {
  readonly count: number;
  /** True: there are at least `count`. */
  readonly isCapped: boolean;
};

/** No count goes beyond this. */
export const COUNT_MAX = 10_000;
/** `completedPerSecond` looks at so many of the newest completed jobs, and no further back than the window. */
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
  /** Of the last minute, from a sample of the newest completed jobs of all queues: an estimate. */
  readonly completedPerSecond: number;
  /** Null: not paused. */
  readonly pausedAt: string | null;
  readonly pauseReason: string | null;
};

/** A worker that holds jobs now; one without a job is not known to the store. */
export type WorkerSummary = {
  readonly workerId: string;
  /** Jobs it holds: claimed, running or not yet acknowledged. */
  readonly jobs: BoundedCount;
  readonly oldestLockedAt: string;
  readonly lastHeartbeatAt: string;
};

/** What keeps vacuum from removing dead rows. */
export type SnapshotHolder = {
  readonly kind: "backend" | "prepared_transaction" | "replication_slot";
  /** Process id, transaction name or slot name. */
  readonly name: string;
  /** The backend's application_name; null for the others. */
  readonly application: string | null;
  /** Age of its transaction; null for a slot. */
  readonly ageMs: number | null;
  /** Transactions begun since its snapshot. */
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
 * What operators do with jobs of every process. Nothing here needs a lease.
 * `reserve` and `handOver` respect a pause from the moment it is stored: `reserve` brings nothing from the queue,
 * and `handOver` returns undefined and stores nothing. Running jobs go on.
 */
export type AdminStore = {
  /** Newest first (highest id first), archived jobs included. */
  list(filter: JobFilter, page: JobPage, at?: At): Promise<JobSummary[]>;
  /** Cancels the queued and running jobs that match and returns their ids; others are left alone. */
  cancelAll(filter: JobFilter, reason: string, at?: At): Promise<string[]>;
  /**
   * Puts failed jobs that match back in their queue, runnable now; returns how many. Dead letters alone unless the
   * filter's states say otherwise (`cancelled`). Attempts start again at 0 unless kept; recoveries always do.
   */
  requeue(filter: JobFilter, options?: { keepAttempts?: boolean } & At): Promise<number>;
  /**
   * Deletes the jobs that match and do not run, archived ones included, with their steps, log and attempts; returns how many.
   * Their idempotency keys stay known.
   */
  remove(filter: JobFilter, at?: At): Promise<number>;
  /** Changes when a ready or scheduled job runs, and how urgent it is; false when it is in neither state. */
  reschedule(jobId: string, change: JobChange, at?: At): Promise<boolean>;
  /** Claims this very job if it is ready or scheduled, also in a paused queue; undefined when it is not, or its key is taken. */
  reserveOne(jobId: string, request: ReserveOneRequest, at?: At): Promise<ReservedJob | undefined>;
  /** Of the queues that hold jobs or are paused, and of those named; by name. */
  queueStats(alsoQueues?: readonly string[], at?: At): Promise<QueueStats[]>;
  /** Stops all claims from the queue until `resumeQueue`; false when it was paused already. */
  pauseQueue(queue: string, reason: string | null, at?: At): Promise<boolean>;
  /** False when it was not paused. */
  resumeQueue(queue: string): Promise<boolean>;
  /** Running jobs of every process, longest first. */
  runningJobs(limit: number): Promise<JobSummary[]>;
  /** At most COUNT_MAX running jobs are looked at; by name. */
  workers(): Promise<WorkerSummary[]>;
  /** Snapshots, prepared transactions and slots that hold back vacuum for longer; Postgres alone. */
  snapshotHolders?(olderThanMs: number): Promise<SnapshotHolder[]>;
};
