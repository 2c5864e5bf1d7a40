import { createCompleter } from "./completer.ts";
import { JobDrainedError, JobRunnerError } from "./errors.ts";
import { executeJob } from "./execute-job.ts";
import { createHeartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import type { Metrics } from "./metrics.ts";
import type { Settings } from "./runner-options.ts";
import { runFields, settleRun } from "./settle-run.ts";
import { createWorker, type Worker } from "./worker.ts";

/** What is left of a drain's time for aborted runs to end by themselves. */
const DRAIN_ABORT_SHARE = 0.2;

/** The workers of a runner, one a queue, and what they share: heartbeat, completer, metrics. */
export function createWorkforce(settings: Settings, metrics: Metrics) {
  const { driver, logger } = settings;
  const workers = new Map<string, Worker>();
  const heartbeat = createHeartbeat({ ...settings, onError: (error) => onDatabaseError("extend", error) });
  const completer = createCompleter({
    driver,
    heartbeat,
    onCompleted,
    onRefused: (run, error) =>
      logger.warn({ ...runFields(run), error: error.name }, "job completion refused"),
    onError: (error) => onDatabaseError("ack", error),
  });
  const settlement = { ...settings, completer, heartbeat, metrics, onRetry, onError: onDatabaseError };

  for (const [queue, types] of typesByQueue(settings)) {
    workers.set(
      queue,
      createWorker({
        ...settings,
        queue,
        types,
        concurrency: settings.concurrencyOf(queue),
        heartbeat,
        metrics,
        perform,
        unacknowledged: () => completer.pending,
        onError: (error) => onDatabaseError("reserve", error),
      }),
    );
  }

  async function perform(run: JobRun) {
    const definition = settings.jobs.get(run.job.type);
    if (definition === undefined)
      return heartbeat.lose(run, new JobRunnerError("JOB_TYPE_UNKNOWN", run.job.type));
    const outcome = await executeJob(run, {
      definition,
      logger,
      maxAttempts: settings.maxAttempts,
      heartbeat: () => beat(run),
    });
    metrics.observeRun(performance.now() - run.startedAtMs);
    if (outcome.kind === "completed") completer.add(run, outcome.output);
    else await settleRun(run, definition, outcome, settlement);
  }

  async function beat(run: JobRun): Promise<boolean> {
    if (heartbeat.held.has(run)) await heartbeat.extend([run]);
    return heartbeat.holds(run);
  }

  function onCompleted(runs: readonly JobRun[]) {
    metrics.count("completed", runs.length);
    const freed = new Set<string>();
    for (const run of runs) {
      if (run.job.concurrencyKey !== null) freed.add(run.job.queue);
      if (logger.isLevelEnabled("debug")) logger.debug(runFields(run), "job completed");
    }
    for (const worker of workers.values()) {
      if (freed.has(worker.queue)) worker.wake();
      else worker.resume();
    }
  }

  /** The next poll may come much later than a short retry: look again when it is due. */
  function onRetry(run: JobRun, delayMs: number) {
    setTimeout(() => workers.get(run.job.queue)?.wake(), Math.ceil(delayMs)).unref();
  }

  function onDatabaseError(operation: string, error: unknown) {
    metrics.databaseError(operation);
    const name = error instanceof Error ? error.name : typeof error;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    logger.warn({ operation, error: name, code }, "database error, trying again");
  }

  function start() {
    heartbeat.start();
    for (const worker of workers.values()) worker.start();
  }

  /** Stops claiming, gives back what was not started, waits for the rest; gives back what does not end in time. */
  async function drain(deadlineMs: number) {
    const endMs = performance.now() + deadlineMs;
    const unstarted = (await Promise.all([...workers.values()].map((worker) => worker.stop()))).flat();
    await giveBack(unstarted, endMs);
    await runsEnd(endMs - deadlineMs * DRAIN_ABORT_SHARE);
    const unfinished = running();
    for (const run of unfinished) heartbeat.lose(run, new JobDrainedError(run.job.jobId));
    await runsEnd(endMs);
    await Promise.all([giveBack(unfinished, endMs), within(endMs, completer.idle())]);
    heartbeat.stop();
  }

  async function giveBack(runs: readonly JobRun[], endMs: number) {
    for (const run of runs) heartbeat.letGo(run);
    const released = driver.release(runs.map((run) => run.job));
    await within(
      endMs,
      released.catch((error: unknown) => onDatabaseError("release", error)),
    );
  }

  async function runsEnd(endMs: number) {
    while (running().length > 0 && performance.now() < endMs) await Bun.sleep(5);
  }

  function running(): JobRun[] {
    return [...workers.values()].flatMap((worker) => [...worker.running]);
  }

  return {
    start,
    drain,
    running,
    workerOf: (queue: string) => workers.get(queue),
    cancelled: heartbeat.cancelled,
    wakeAll: () => {
      for (const worker of workers.values()) worker.wake();
    },
  };
}

function typesByQueue(settings: Settings): Map<string, string[]> {
  const types = new Map<string, string[]>();
  if (!settings.runsWorkers) return types;
  for (const job of settings.jobs.values()) {
    types.set(job.queue, [...(types.get(job.queue) ?? []), job.name]);
  }
  return types;
}

/** Waits for a promise, but not beyond a moment of the monotonic clock. */
async function within(endMs: number, promise: Promise<unknown>) {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.max(0, endMs - performance.now()));
  await Promise.race([promise, ended]);
  clearTimeout(timer);
}
