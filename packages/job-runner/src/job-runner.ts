import type { DeadLetterFilter } from "./drivers/driver.ts";
import { createEnqueuer } from "./enqueuer.ts";
import { createMetrics, type JobGauges } from "./metrics.ts";
import { type JobRunnerOptions, settingsOf } from "./runner-options.ts";
import { createWorkforce } from "./workforce.ts";

const DRAIN_MS = 10_000;
const MAINTAIN_EVERY_MS = 3_600_000;
const STUCK_FACTOR = 5;

export type JobRunner = ReturnType<typeof createJobRunner>;

/** A job engine over one store. Jobs can be enqueued before `start`, once the store is migrated. */
export function createJobRunner(options: JobRunnerOptions) {
  const settings = settingsOf(options);
  const { driver, logger } = settings;
  const metrics = createMetrics(gauges);
  const workforce = createWorkforce(settings, metrics, onDatabaseError);
  let hints: { close(): Promise<void> } | undefined;
  let maintenance: ReturnType<typeof setInterval> | undefined;

  /** Migrates, then starts the workers. */
  async function start(): Promise<void> {
    await settings.migrate?.();
    if (!settings.runsWorkers) return;
    await maintain();
    maintenance = setInterval(() => void maintain(), MAINTAIN_EVERY_MS);
    if (settings.jobs.size === 0) return;
    hints = await listen();
    workforce.start();
  }

  /** Claims nothing more; finishes what runs or, after `deadlineMs`, gives it back. Default 10 s. */
  async function drain(deadlineMs: number = DRAIN_MS): Promise<void> {
    clearInterval(maintenance);
    await workforce.drain(deadlineMs);
    await hints?.close().catch((error: unknown) => onDatabaseError("unlisten", error));
    hints = undefined;
  }

  /** Cancels a queued or running job; a running one's signal aborts. False when it has ended or is unknown. */
  async function cancel(jobId: string, reason = "cancelled"): Promise<boolean> {
    const isCancelled = await driver.cancel(jobId, reason);
    if (isCancelled) {
      metrics.count("failed");
      workforce.cancelled(jobId);
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
    const onRunnable = (queue: string) => workforce.workerOf(queue)?.wake();
    const onEvent = () => void deliverEvents();
    return driver
      .listen?.({ onRunnable, onCancelled: workforce.cancelled, onEvent })
      .catch((error: unknown) => {
        onDatabaseError("listen", error);
        return undefined;
      });
  }

  /** Gives events to the jobs that wait for them; what fails here is made up for by the next call of anyone. */
  async function deliverEvents(): Promise<void> {
    try {
      for (const queue of await driver.deliverEvents()) workforce.workerOf(queue)?.wake();
    } catch (error) {
      onDatabaseError("deliverEvents", error);
    }
  }

  async function maintain() {
    await driver.maintain(settings.retention).catch((error: unknown) => onDatabaseError("maintain", error));
  }

  function onDatabaseError(operation: string, error: unknown) {
    metrics.databaseError(operation);
    const name = error instanceof Error ? error.name : typeof error;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    logger.warn({ operation, reason: code ?? name }, "database error");
  }

  function gauges(): JobGauges {
    const running = workforce.running();
    const nowMs = performance.now();
    const stuck = running.filter((run) => {
      const expectedMs = settings.jobs.get(run.job.type)?.expectedRunMs;
      return expectedMs !== undefined && nowMs - run.startedAtMs > expectedMs * STUCK_FACTOR;
    });
    return { running: running.length, stuck: stuck.length };
  }

  return {
    start,
    drain,
    ...createEnqueuer(settings, metrics, workforce),
    cancel,
    requeue,
    get: driver.get,
    deadLetters: driver.deadLetters,
    stats: () => ({ ...metrics.counts, ...gauges() }),
    metrics: { prometheus: metrics.prometheus },
  };
}
