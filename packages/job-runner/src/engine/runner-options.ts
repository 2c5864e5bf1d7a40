import type { Logger } from "pino";
import type { StoreOptions } from "../stores/choose-store.ts";
import type { JobDefinition } from "./define-job.ts";
import type { RunEvent } from "./run-listeners.ts";
import type { Schedule } from "./schedule.ts";

export type WorkerMode = "run" | "inspect";

export type JobRunnerOptions = {
  /** The job types that this process runs. */
  readonly jobs?: readonly JobDefinition[];
  /** What this process enqueues by the clock. Each tick is enqueued once, whatever the number of processes. */
  readonly schedules?: readonly Schedule[];
  /** False: migrate and enqueue, but run nothing. Default true. */
  readonly workers?: boolean;
  /**
   * `inspect`: migrate and show, but claim nothing and maintain nothing; `runOne` runs a job that is named.
   * Default: the environment's WHARF_WORKER_MODE, else `run`.
   */
  readonly workerMode?: WorkerMode;
  /** Jobs run at the same time in each queue. Default 10. */
  readonly concurrency?: number;
  /**
   * Concurrency of single queues, where it differs. A queue that is named here is served as well as those of the jobs: jobs of
   * a known type that were enqueued to it run here.
   */
  readonly queues?: Readonly<Record<string, number>>;
  /** Time without a heartbeat after which a job is taken from its worker. Default 30 s. */
  readonly leaseMs?: number;
  /** A run is aborted so long before its lease ends. Default a tenth of leaseMs. */
  readonly leaseMarginMs?: number;
  /** No job is attempted more often by this runner, whatever it says itself. Default: no cap. */
  readonly maxAttempts?: number;
  /** Lost leases after which a job goes to the dead letters. Default 5. */
  readonly maxRecoveries?: number;
  /** First and longest pause between claims of an empty queue. Default 50 ms and 2 s. */
  readonly backoffBaseMs?: number;
  readonly maxBackoffMs?: number;
  /** Run a job in this process at once when a slot is free, instead of queueing it first. Default true. */
  readonly handOver?: boolean;
  readonly workerId?: string;
  /** A run is reported as stuck after so many times its expectedRunMs. Default 5. */
  readonly stuckFactor?: number;
  readonly archiveDays?: number;
  readonly idempotencyKeyDays?: number;
  /** Days for which events are kept for jobs that will wait for them. Default 30. */
  readonly eventDays?: number;
  /** Default: warnings and errors, as JSON on stdout. */
  readonly logger?: Logger;
  /** Told of each run of this process that ended, once its outcome is stored. */
  readonly onRunEnded?: (event: RunEvent) => void;
  /** Source of jitter, in [0, 1). */
  readonly random?: () => number;
} & StoreOptions;
