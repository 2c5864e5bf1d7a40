import type { Logger } from "pino";
import type { StoreOptions } from "../stores/choose-store.ts";
import type { JobDefinition } from "./define-job.ts";
import type { RunEvent, StartedRun } from "./run-listeners.ts";
import type { Schedule } from "./schedule.ts";

export type WorkerMode = "run" | "inspect";

export type JobRunnerOptions = {
  /** The job types that this process runs. */
  readonly jobs?: readonly JobDefinition[];
  /** Schedules that this process enqueues. Each tick is enqueued once, by any number of processes. */
  readonly schedules?: readonly Schedule[];
  /** False: migrate and enqueue, run no jobs. Default true. */
  readonly workers?: boolean;
  /**
   * `inspect`: migrate and read, claim no jobs and run no maintenance; `runOne` runs one job.
   * Default: WHARF_WORKER_MODE of the environment, else `run`.
   */
  readonly workerMode?: WorkerMode;
  /** Concurrent jobs per queue. Default 10. */
  readonly concurrency?: number;
  /**
   * Concurrency of single queues. These queues are served in addition to those of the jobs: jobs of a known type that were
   * enqueued to them run in this process.
   */
  readonly queues?: Readonly<Record<string, number>>;
  /** Time without a heartbeat until a job is recovered. Default 30 s. */
  readonly leaseMs?: number;
  /** How long before the end of its lease a run is aborted. Default: a tenth of leaseMs. */
  readonly leaseMarginMs?: number;
  /** Upper limit of attempts for all jobs. Default: none. */
  readonly maxAttempts?: number;
  /** Lost leases until a job is a dead letter. Default 5. */
  readonly maxRecoveries?: number;
  /** First and longest delay between claims of an empty queue. Default 50 ms and 2 s. */
  readonly backoffBaseMs?: number;
  readonly maxBackoffMs?: number;
  /** Run a new job immediately in this process if a slot is free. Default true. */
  readonly handOver?: boolean;
  readonly workerId?: string;
  /** A run counts as stuck after this multiple of its expectedRunMs. Default 5. */
  readonly stuckFactor?: number;
  readonly archiveDays?: number;
  readonly idempotencyKeyDays?: number;
  /** Retention of events for later waits. Default 30. */
  readonly eventDays?: number;
  /** Default: warnings and errors, as JSON on stdout. */
  readonly logger?: Logger;
  /** Called after each run of this process, when its outcome is stored. */
  readonly onRunEnded?: (event: RunEvent) => void;
  /** Called when a run of this process begins. */
  readonly onRunStarted?: (run: StartedRun) => void;
  /** Source of jitter, in [0, 1). */
  readonly random?: () => number;
} & StoreOptions;
