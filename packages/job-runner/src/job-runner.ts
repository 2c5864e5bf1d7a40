import { within } from "./drain.ts";
import type { DeadLetterFilter } from "./drivers/driver.ts";
import { createEnqueuer } from "./enqueuer.ts";
import { createEvents } from "./events.ts";
import { gaugesOf } from "./job-gauges.ts";
import { createMetrics } from "./metrics.ts";
import { createDatabaseErrorReport } from "./report-database-error.ts";
import { type JobRunnerOptions, settingsOf } from "./runner-options.ts";
import { createUpkeep } from "./upkeep.ts";
import { createJobWaits } from "./wait-for.ts";
import { createWorkforce } from "./workforce.ts";

const DRAIN_MS = 10_000;

export type JobRunner = ReturnType<typeof createJobRunner>;

/** A job engine over one store. Jobs can be enqueued before `start`, once the store is migrated. */
export function createJobRunner(options: JobRunnerOptions) {
  const settings = settingsOf(options);
  const { driver } = settings;
  const metrics = createMetrics(() => gaugesOf(workforce, settings));
  const onDatabaseError = createDatabaseErrorReport(metrics, settings.logger);
  const waits = createJobWaits(driver);
  const workforce = createWorkforce(settings, metrics, {
    onDatabaseError,
    onEnded: waits.ended,
    deliverEvents: () => events.deliverEvents(),
  });
  const wake = (queue: string) => workforce.workerOf(queue)?.wake();
  const events = createEvents(driver, wake, onDatabaseError);
  const upkeep = createUpkeep({
    settings,
    metrics,
    deliverEvents: events.deliverEvents,
    onEnqueued: workforce.wakeAll,
    onDatabaseError,
  });
  let hints: { close(): Promise<void> } | undefined;

  /** Migrates, then starts the workers. */
  async function start(): Promise<void> {
    await settings.migrate?.();
    if (!settings.runsWorkers) return;
    await upkeep.start();
    if (settings.jobs.size === 0) return;
    hints = await listen();
    workforce.start();
  }

  /** Claims nothing more; finishes what runs or, after `deadlineMs`, gives it back. Default 10 s. */
  async function drain(deadlineMs: number = DRAIN_MS): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    const stopping = upkeep.stop();
    await workforce.drain(deadlineMs);
    await within(endMs, stopping);
    await hints?.close().catch((error: unknown) => onDatabaseError("unlisten", error));
    hints = undefined;
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

  async function requeue(
    filter: DeadLetterFilter,
    requeueOptions?: { keepAttempts?: boolean },
  ): Promise<number> {
    const count = await driver.requeue(filter, requeueOptions);
    if (count > 0) workforce.wakeAll();
    return count;
  }

  async function listen() {
    const onEvent = () => void events.deliverEvents();
    return driver
      .listen?.({ onRunnable: wake, onCancelled: workforce.cancelled, onEvent })
      .catch((error: unknown) => {
        onDatabaseError("listen", error);
        return undefined;
      });
  }

  return {
    start,
    drain,
    ...createEnqueuer(settings, metrics, workforce),
    sendEvent: events.sendEvent,
    waitFor: waits.waitFor,
    cancel,
    requeue,
    get: driver.get,
    steps: driver.stepsOf,
    log: driver.logOf,
    removeSchedule: driver.removeSchedule,
    deadLetters: driver.deadLetters,
    stats: () => ({ ...metrics.counts, ...gaugesOf(workforce, settings) }),
    metrics: { prometheus: metrics.prometheus },
  };
}
