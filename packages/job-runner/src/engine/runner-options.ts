import { hostname } from "node:os";
import { type Logger, pino } from "pino";
import { EVENT_DAYS } from "../contract/driver.ts";
import { JobOptionError } from "../contract/errors.ts";
import { checkOption, OPTIONS } from "../contract/option-schemas.ts";
import { chooseStore, type StoreOptions } from "../stores/choose-store.ts";
import type { Backoff } from "./backoff.ts";
import type { JobDefinition } from "./define-job.ts";
import type { RunEvent } from "./run-listeners.ts";
import type { Schedule } from "./schedule.ts";

const CONCURRENCY = 10;
const LEASE_MS = 30_000;
const LEASE_MARGIN_SHARE = 0.1;
const MAX_RECOVERIES = 5;
const IDLE_BACKOFF_BASE_MS = 50;
const IDLE_BACKOFF_MAX_MS = 2000;
const STUCK_FACTOR = 5;
const ARCHIVE_DAYS = 30;
const IDEMPOTENCY_KEY_DAYS = 30;

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

export type Settings = ReturnType<typeof settingsOf>;

/** The options with their defaults. Throws JobOptionError for what cannot work. */
export function settingsOf(options: JobRunnerOptions) {
  checkOption("createJobRunner", OPTIONS.runner, options);
  const leaseMs = options.leaseMs ?? LEASE_MS;
  const leaseMarginMs = options.leaseMarginMs ?? leaseMs * LEASE_MARGIN_SHARE;
  if (!(leaseMarginMs > 0 && leaseMarginMs < leaseMs / 2)) {
    throw new JobOptionError("leaseMarginMs must be more than 0 and less than half of leaseMs.");
  }
  const workerId = options.workerId ?? `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const logger = options.logger ?? pino({ name: "job-runner", level: "warn" });
  const idleBackoff: Backoff = {
    baseMs: options.backoffBaseMs ?? IDLE_BACKOFF_BASE_MS,
    maxMs: options.maxBackoffMs ?? IDLE_BACKOFF_MAX_MS,
    factor: 2,
    jitter: 0.2,
  };
  const jobs = jobsByName(options.jobs ?? []);
  return {
    driver: chooseStore(options),
    migrate: options.migrate,
    jobs,
    /** Those that this process serves, each for every type that it knows. */
    queues: new Set([...[...jobs.values()].map(({ queue }) => queue), ...Object.keys(options.queues ?? {})]),
    runsWorkers: (options.workers ?? true) && (options.workerMode ?? workerModeFromEnvironment()) === "run",
    schedules: schedulesByName(options.schedules ?? []),
    concurrencyOf: (queue: string) => options.queues?.[queue] ?? options.concurrency ?? CONCURRENCY,
    leaseMs,
    leaseMarginMs,
    maxAttempts: options.maxAttempts ?? Number.POSITIVE_INFINITY,
    maxRecoveries: options.maxRecoveries ?? MAX_RECOVERIES,
    idleBackoff,
    stuckFactor: options.stuckFactor ?? STUCK_FACTOR,
    handsOver: options.handOver ?? true,
    workerId,
    logger: logger.child({ worker_id: workerId }),
    onRunEnded: options.onRunEnded,
    random: options.random ?? Math.random,
    retention: {
      archiveDays: options.archiveDays ?? ARCHIVE_DAYS,
      idempotencyKeyDays: options.idempotencyKeyDays ?? IDEMPOTENCY_KEY_DAYS,
      eventDays: options.eventDays ?? EVENT_DAYS,
    },
  };
}

function workerModeFromEnvironment(): WorkerMode {
  // biome-ignore lint/style/noProcessEnv: an operator's switch that must work without a change of the program
  return process.env["WHARF_WORKER_MODE"] === "inspect" ? "inspect" : "run";
}

function jobsByName(jobs: readonly JobDefinition[]): ReadonlyMap<string, JobDefinition> {
  const byName = new Map<string, JobDefinition>();
  for (const job of jobs) {
    if (byName.has(job.name)) throw new JobOptionError(`Two jobs are named ${job.name}.`);
    byName.set(job.name, job);
  }
  return byName;
}

function schedulesByName(schedules: readonly Schedule[]): readonly Schedule[] {
  const names = new Set(schedules.map(({ name }) => name));
  if (names.size < schedules.length) throw new JobOptionError("Two schedules have the same name.");
  return schedules;
}
