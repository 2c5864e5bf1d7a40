import { errorCode } from "../contract/database-errors.ts";
import type { Driver, JobRecord } from "../contract/driver.ts";
import { JobRunnerError } from "../contract/errors.ts";
import { type Administration, createAdministration } from "./administration.ts";
import { createDatabaseErrorLog, createScheduleErrorLog } from "./database-error-log.ts";
import { createDiagnosis, type Diagnosis } from "./diagnosis.ts";
import { within } from "./drain.ts";
import { createEnqueuer, type Enqueuer } from "./enqueuer.ts";
import { createEvents, type Events } from "./events.ts";
import { createMaintenance } from "./maintenance.ts";
import { createMetrics, type JobCounts, type JobGauges } from "./metrics.ts";
import { createRunOne } from "./run-one.ts";
import type { JobRunnerOptions } from "./runner-options.ts";
import { settingsOf } from "./settings.ts";
import { createJobWaits, type JobWaits } from "./wait-for.ts";
import { createWaitingReasons, type WaitingReasons } from "./waiting-reasons.ts";
import { createWorkforce } from "./workforce.ts";

const DRAIN_MS = 10_000;
/** SQLSTATEs of a missing table, and of a column that is missing in another table of this name. */
const NO_TABLES = ["42P01", "42703"];

/** Operations of the store that do not involve this process. */
type StoreOperations = {
  readonly get: Driver["get"];
  readonly steps: Driver["stepsOf"];
  readonly attempts: Driver["attemptsOf"];
  readonly log: Driver["logOf"];
  readonly schedules: Driver["allSchedules"];
  readonly removeSchedule: Driver["removeSchedule"];
  readonly deadLetters: Driver["deadLetters"];
};

/** A job engine of one process. */
export type JobRunner = {
  /** Migrates, opens the store and starts the workers. Throws if nothing has created the tables. */
  start(): Promise<void>;
  /**
   * Stops claims, waits for running jobs, and releases them after `deadlineMs` (default 10 s). Then closes the store if its
   * `dsn` was given: later uses of this runner throw.
   */
  drain(deadlineMs?: number): Promise<void>;
  /** Cancels a queued or running job and aborts its signal. False when it has ended or does not exist. */
  cancel(jobId: string, reason?: string): Promise<boolean>;
  runOne(jobId: string): Promise<JobRecord>;
  /** The figures of this process. `failingSchedules`: the error of each due schedule that cannot enqueue, by name. */
  stats(): JobCounts & JobGauges & { readonly failingSchedules: Readonly<Record<string, string>> };
  readonly metrics: { prometheus(): string };
} & StoreOperations &
  Enqueuer &
  Administration &
  Pick<Events, "sendEvent"> &
  Pick<JobWaits, "waitFor"> &
  WaitingReasons &
  Pick<Diagnosis, "longRuns">;

/**
 * Creates a job engine on one store. Jobs can be enqueued before `start` if the store is migrated. The first use opens a store
 * that was given by its `dsn`.
 */
export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const settings = settingsOf(options);
  const { driver } = settings;
  const metrics = createMetrics(() => diagnosis.gauges());
  const onDatabaseError = createDatabaseErrorLog(settings.logger, metrics);
  const waits = createJobWaits(driver);
  const workforce = createWorkforce(settings, metrics, {
    onDatabaseError,
    onEnded: waits.ended,
    deliverEvents: () => events.deliverEvents(),
  });
  const wake = (queue: string) => workforce.workerOf(queue)?.wake();
  const events = createEvents(driver, wake, onDatabaseError);
  const diagnosis = createDiagnosis(settings, workforce, onDatabaseError);
  const maintenance = createMaintenance({
    settings,
    metrics,
    deliverEvents: events.deliverEvents,
    onEnqueued: workforce.wakeAll,
    diagnose: diagnosis.look,
    onDatabaseError,
    onScheduleError: createScheduleErrorLog(settings.logger, metrics),
  });
  let hints: { close(): Promise<void> } | undefined;

  async function start(): Promise<void> {
    await settings.migrate?.();
    await driver.open();
    await requireTables(driver);
    if (!settings.runsWorkers) return;
    const hasWorkers = settings.jobs.size > 0;
    // Workers need not wait: their first claim finds jobs without a notification, and the archive has a default partition.
    if (hasWorkers) workforce.start();
    [hints] = await Promise.all([hasWorkers ? listen() : undefined, maintenance.start()]);
  }

  async function drain(deadlineMs: number = DRAIN_MS): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    const stopping = maintenance.stop();
    await workforce.drain(deadlineMs);
    await within(endMs, stopping);
    await hints?.close();
    hints = undefined;
    await driver.close();
  }

  async function cancel(jobId: string, reason = "cancelled"): Promise<boolean> {
    const isCancelled = await driver.cancel(jobId, reason);
    if (isCancelled) {
      metrics.count("failed");
      workforce.cancelled(jobId);
      waits.ended(jobId);
      workforce.wakeAll();
    }
    return isCancelled;
  }

  async function listen() {
    return driver.listen?.({
      onRunnable: wake,
      onCancelled: (jobId) => void workforce.suspect(jobId),
      onEvent: () => void events.deliverEvents(),
      onError: (error) => onDatabaseError("listen", error),
    });
  }

  return {
    start,
    drain,
    ...createEnqueuer(settings, metrics, workforce),
    sendEvent: events.sendEvent,
    waitFor: waits.waitFor,
    cancel,
    runOne: createRunOne(settings, workforce),
    ...storeOperations(driver),
    ...createAdministration(settings, metrics, workforce, waits.ended),
    ...createWaitingReasons(settings),
    longRuns: diagnosis.longRuns,
    stats: () => ({
      ...metrics.counts(),
      ...diagnosis.gauges(),
      failingSchedules: maintenance.failingSchedules(),
    }),
    metrics: { prometheus: metrics.prometheus },
  };
}

/** Otherwise every claim would fail. Other errors may be temporary: the claims repeat them. */
async function requireTables(driver: Driver): Promise<void> {
  try {
    await driver.get("0");
  } catch (cause) {
    if (!NO_TABLES.includes(errorCode(cause) ?? "")) return;
    const message =
      "The engine's tables are missing in this database or schema. Pass `migrate: () => migrateJobs(sql)`, or apply the files in jobMigrationsDir.";
    throw new JobRunnerError("JOB_TABLES_MISSING", message, { cause });
  }
}

function storeOperations(driver: Driver): StoreOperations {
  return {
    get: driver.get,
    steps: driver.stepsOf,
    attempts: driver.attemptsOf,
    log: driver.logOf,
    schedules: driver.allSchedules,
    removeSchedule: driver.removeSchedule,
    deadLetters: driver.deadLetters,
  };
}
