import { createCompleter } from "./completer.ts";
import { drainWorkers } from "./drain.ts";
import { JobRunnerError } from "./errors.ts";
import { executeJob } from "./execute-job.ts";
import { createHandRuns } from "./hand-runs.ts";
import { createHeartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import type { Metrics } from "./metrics.ts";
import type { Settings } from "./runner-options.ts";
import { runFields, settleRun } from "./settle-run.ts";
import { Worker } from "./worker.ts";

/** The workers of a runner, one a queue, and what they share: heartbeat, completer, metrics. */
export function createWorkforce(
  settings: Settings,
  metrics: Metrics,
  onDatabaseError: (operation: string, error: unknown) => void,
) {
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

  const byHand = createHandRuns(heartbeat, settings.leaseMs, perform);

  for (const [queue, types] of typesByQueue(settings)) {
    workers.set(
      queue,
      new Worker({
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
      heartbeat: beat,
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
      else worker.pump();
    }
  }

  /** The next poll may come much later than a short retry: look again when it is due. */
  function onRetry(run: JobRun, delayMs: number) {
    setTimeout(() => workers.get(run.job.queue)?.wake(), Math.ceil(delayMs)).unref();
  }

  function start() {
    heartbeat.start();
    for (const worker of workers.values()) worker.start();
  }

  const drain = (deadlineMs: number) =>
    drainWorkers({ workers: all(), driver, heartbeat, completer, onError: onDatabaseError }, deadlineMs);

  const all = () => [...workers.values(), byHand];
  const running = (): JobRun[] => all().flatMap((worker) => [...worker.running]);

  return {
    start,
    drain,
    running,
    runHere: byHand.runHere,
    workerOf: (queue: string) => workers.get(queue),
    cancelled: heartbeat.cancelled,
    wakeAll: () => {
      for (const worker of workers.values()) worker.wake();
    },
  };
}

export type Workforce = ReturnType<typeof createWorkforce>;

function typesByQueue(settings: Settings): Map<string, string[]> {
  const types = new Map<string, string[]>();
  if (!settings.runsWorkers) return types;
  for (const job of settings.jobs.values()) {
    types.set(job.queue, [...(types.get(job.queue) ?? []), job.name]);
  }
  return types;
}
