import { createAdministration } from "./administration.ts";
import { createDatabaseErrorLog } from "./database-error-log.ts";
import { createEnqueuer } from "./enqueuer.ts";
import { createLongRuns } from "./long-runs.ts";
import { createMetrics, type JobGauges } from "./metrics.ts";
import { createRunOne } from "./run-one.ts";
import { type JobRunnerOptions, settingsOf } from "./runner-options.ts";
import { createSnapshotWatch } from "./snapshot-watch.ts";
import { createWorkforce } from "./workforce.ts";

const DRAIN_MS = 10_000;
const MAINTAIN_EVERY_MS = 3_600_000;
/** How often runs that take too long and old snapshots are looked for. */
const DIAGNOSE_EVERY_MS = 30_000;

export type JobRunner = ReturnType<typeof createJobRunner>;

/**
 * A job engine over one store. Jobs can be enqueued before `start`, once the store is migrated; the first use of the runner
 * opens a store that was given by its `dsn`.
 */
export function createJobRunner(options: JobRunnerOptions) {
  const settings = settingsOf(options);
  const { driver, logger } = settings;
  const metrics = createMetrics(gauges);
  const onDatabaseError = createDatabaseErrorLog(logger, metrics);
  const workforce = createWorkforce(settings, metrics, onDatabaseError);
  const longRuns = createLongRuns(settings, workforce.running);
  const snapshots = createSnapshotWatch(driver, logger);
  let hints: { close(): Promise<void> } | undefined;
  let maintenance: ReturnType<typeof setInterval> | undefined;
  let diagnosis: ReturnType<typeof setInterval> | undefined;

  /** Migrates, opens the store, then starts the workers. */
  async function start(): Promise<void> {
    await settings.migrate?.();
    await driver.open();
    if (!settings.runsWorkers) return;
    await maintain();
    maintenance = setInterval(() => void maintain(), MAINTAIN_EVERY_MS);
    diagnosis = setInterval(() => void diagnose(), DIAGNOSE_EVERY_MS);
    if (settings.jobs.size === 0) return;
    hints = await listen();
    workforce.start();
  }

  /**
   * Claims nothing more; finishes what runs or, after `deadlineMs`, gives it back. Default 10 s. Then closes the
   * store if its `dsn` was given: every later use of this runner is refused.
   */
  async function drain(deadlineMs: number = DRAIN_MS): Promise<void> {
    clearInterval(maintenance);
    clearInterval(diagnosis);
    await workforce.drain(deadlineMs);
    await hints?.close().catch((error: unknown) => onDatabaseError("unlisten", error));
    hints = undefined;
    await driver.close();
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

  async function diagnose() {
    longRuns.report();
    await snapshots.look().catch((error: unknown) => onDatabaseError("snapshots", error));
  }

  function gauges(): JobGauges {
    const { holders, oldestMs } = snapshots.state();
    return {
      running: workforce.running().length,
      stuck: longRuns.stuckRuns().length,
      snapshotHolders: holders,
      oldestSnapshotMs: oldestMs,
    };
  }

  return {
    start,
    drain,
    ...createEnqueuer(settings, metrics, workforce),
    cancel,
    runOne: createRunOne(settings, workforce),
    get: driver.get,
    deadLetters: driver.deadLetters,
    ...createAdministration(settings, metrics, workforce),
    longRuns: longRuns.list,
    stats: () => ({ ...metrics.counts, ...gauges() }),
    metrics: { prometheus: metrics.prometheus },
  };
}
