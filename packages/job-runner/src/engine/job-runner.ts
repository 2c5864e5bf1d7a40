import { createAdministration } from "./administration.ts";
import { createDatabaseErrorLog, createScheduleErrorLog } from "./database-error-log.ts";
import { createDiagnosis } from "./diagnosis.ts";
import { within } from "./drain.ts";
import { createEnqueuer } from "./enqueuer.ts";
import { createEvents } from "./events.ts";
import { createMetrics } from "./metrics.ts";
import { createRunOne } from "./run-one.ts";
import { type JobRunnerOptions, settingsOf } from "./runner-options.ts";
import { createUpkeep } from "./upkeep.ts";
import { createJobWaits } from "./wait-for.ts";
import { createWorkforce } from "./workforce.ts";

const DRAIN_MS = 10_000;

export type JobRunner = ReturnType<typeof createJobRunner>;

/**
 * A job engine over one store. Jobs can be enqueued before `start`, once the store is migrated; the first use of the runner
 * opens a store that was given by its `dsn`.
 */
export function createJobRunner(options: JobRunnerOptions) {
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
  const upkeep = createUpkeep({
    settings,
    metrics,
    deliverEvents: events.deliverEvents,
    onEnqueued: workforce.wakeAll,
    diagnose: diagnosis.look,
    onDatabaseError,
    onScheduleError: createScheduleErrorLog(settings.logger, metrics),
  });
  let hints: { close(): Promise<void> } | undefined;

  /** Migrates, opens the store and starts the workers. */
  async function start(): Promise<void> {
    await settings.migrate?.();
    await driver.open();
    if (!settings.runsWorkers) return;
    const hasWorkers = settings.jobs.size > 0;
    // They need not wait: their first claim finds what no hint told of, and a job may end before its day has a partition.
    if (hasWorkers) workforce.start();
    [hints] = await Promise.all([hasWorkers ? listen() : undefined, upkeep.start()]);
  }

  /**
   * Claims nothing more; finishes what runs or, after `deadlineMs`, gives it back. Default 10 s. Then closes the
   * store if its `dsn` was given: every later use of this runner is refused.
   */
  async function drain(deadlineMs: number = DRAIN_MS): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    const stopping = upkeep.stop();
    await workforce.drain(deadlineMs);
    await within(endMs, stopping);
    await hints?.close();
    hints = undefined;
    await driver.close();
  }

  /** Cancels a queued or running job; a running one's signal aborts. False when it has ended or is unknown. */
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
    get: driver.get,
    steps: driver.stepsOf,
    attempts: driver.attemptsOf,
    log: driver.logOf,
    schedules: driver.allSchedules,
    removeSchedule: driver.removeSchedule,
    deadLetters: driver.deadLetters,
    ...createAdministration(settings, metrics, workforce, waits.ended),
    longRuns: diagnosis.longRuns,
    /** The figures of this process. `failingSchedules`: by name, why a schedule that is due enqueues nothing. */
    stats: () => ({ ...metrics.counts, ...diagnosis.gauges(), failingSchedules: upkeep.failingSchedules() }),
    metrics: { prometheus: metrics.prometheus },
  };
}
