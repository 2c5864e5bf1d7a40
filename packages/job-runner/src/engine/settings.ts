import { hostname } from "node:os";
import { type Logger, pino } from "pino";
import { EVENT_DAYS, type Retention } from "../contract/driver.ts";
import { JobOptionError } from "../contract/errors.ts";
import { checkOption, OPTIONS } from "../contract/option-schemas.ts";
import { chooseStore } from "../stores/choose-store.ts";
import type { LazyDriver } from "../stores/lazy-driver.ts";
import type { Backoff } from "./backoff.ts";
import type { JobDefinition } from "./define-job.ts";
import type { RunEvent, StartedRun } from "./run-listeners.ts";
import type { JobRunnerOptions, WorkerMode } from "./runner-options.ts";
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

/** The options of a runner, checked and with their defaults. */
export type Settings = {
  readonly driver: LazyDriver;
  readonly migrate: (() => Promise<unknown>) | undefined;
  readonly jobs: ReadonlyMap<string, JobDefinition>;
  /** The queues that this process serves, each for all job types of this process. */
  readonly queues: ReadonlySet<string>;
  readonly runsWorkers: boolean;
  readonly schedules: readonly Schedule[];
  concurrencyOf(queue: string): number;
  readonly leaseMs: number;
  readonly leaseMarginMs: number;
  readonly maxAttempts: number;
  readonly maxRecoveries: number;
  /** Pauses between claims of an empty queue. */
  readonly idleBackoff: Backoff;
  readonly stuckFactor: number;
  readonly handsOver: boolean;
  readonly workerId: string;
  readonly logger: Logger;
  readonly onRunEnded: ((event: RunEvent) => void) | undefined;
  readonly onRunStarted: ((run: StartedRun) => void) | undefined;
  random(): number;
  readonly retention: Required<Retention>;
};

/** The options with their defaults. Throws JobOptionError for invalid ones. */
export function settingsOf(options: JobRunnerOptions): Settings {
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
  const schedules = options.schedules ?? [];
  requireOwnNames("schedules", schedules);
  return {
    driver: chooseStore(options),
    migrate: options.migrate,
    jobs,
    queues: new Set([...[...jobs.values()].map(({ queue }) => queue), ...Object.keys(options.queues ?? {})]),
    runsWorkers: (options.workers ?? true) && (options.workerMode ?? workerModeFromEnvironment()) === "run",
    schedules,
    concurrencyOf: (queue) => options.queues?.[queue] ?? options.concurrency ?? CONCURRENCY,
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
    onRunStarted: options.onRunStarted,
    random: options.random ?? Math.random,
    retention: {
      archiveDays: options.archiveDays ?? ARCHIVE_DAYS,
      idempotencyKeyDays: options.idempotencyKeyDays ?? IDEMPOTENCY_KEY_DAYS,
      eventDays: options.eventDays ?? EVENT_DAYS,
    },
  };
}

function workerModeFromEnvironment(): WorkerMode {
  // biome-ignore lint/style/noProcessEnv: a switch for operators, which works without a code change
  return process.env["WHARF_WORKER_MODE"] === "inspect" ? "inspect" : "run";
}

function jobsByName(jobs: readonly JobDefinition[]): ReadonlyMap<string, JobDefinition> {
  requireOwnNames("jobs", jobs);
  return new Map(jobs.map((job) => [job.name, job]));
}

function requireOwnNames(what: string, all: readonly { readonly name: string }[]): void {
  const names = new Set<string>();
  for (const { name } of all) {
    if (names.has(name)) throw new JobOptionError(`Two ${what} are named ${name}.`);
    names.add(name);
  }
}
