import { createCompleter } from "./completer.ts";
import { drainWorkers } from "./drain.ts";
import { JobRunnerError } from "./errors.ts";
import { type Execution, executeJob } from "./execute-job.ts";
import { createHandRuns } from "./hand-runs.ts";
import { createHeartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import type { Metrics } from "./metrics.ts";
import { createPersist } from "./persist.ts";
import { createRunListeners } from "./run-listeners.ts";
import type { Settings } from "./runner-options.ts";
import { runFields, settleRun } from "./settle-run.ts";
import { Worker } from "./worker.ts";

export interface WorkforceListeners {
  onDatabaseError(operation: string, error: unknown): void;
  /** A job of this process was completed or has failed. */
  onEnded(jobId: string): void;
  deliverEvents(): Promise<void>;
}

/** The workers of a runner, one a queue, and what they share: heartbeat, completer, metrics. */
export function createWorkforce(
  settings: Settings,
  metrics: Metrics,
  { onDatabaseError, onEnded, deliverEvents }: WorkforceListeners,
) {
  const { driver, logger } = settings;
  const workers = new Map<string, Worker>();
  const listeners = createRunListeners({ workers, metrics, logger, onEnded });
  const heartbeat = createHeartbeat({ ...settings, onError: (error) => onDatabaseError("extend", error) });
  const completer = createCompleter({
    driver,
    heartbeat,
    onCompleted: listeners.onCompleted,
    onRefused: (run, error) =>
      logger.warn({ ...runFields(run), error_name: error.name }, "job completion refused"),
    onError: (error) => onDatabaseError("ack", error),
  });
  const settlement = {
    ...settings,
    ...listeners,
    completer,
    heartbeat,
    deliverEvents,
    onError: onDatabaseError,
  };
  const services = {
    driver,
    logger,
    maxAttempts: settings.maxAttempts,
    heartbeat: beat,
    requireLease: heartbeat.requireLease,
    persist: createPersist(heartbeat, onDatabaseError),
  };
  /** By type; made once, as a job runs in 5 µs. */
  const executions = new Map<string, Execution>(
    [...settings.jobs].map(([type, definition]) => [type, { ...services, definition }]),
  );

  const byHand = createHandRuns(heartbeat, settings.leaseMs, perform);

  for (const queue of settings.runsWorkers ? settings.queues : []) {
    workers.set(
      queue,
      new Worker({
        ...settings,
        queue,
        types: [...settings.jobs.keys()],
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
    const execution = executions.get(run.job.type);
    if (execution === undefined)
      return heartbeat.lose(run, new JobRunnerError("JOB_TYPE_UNKNOWN", run.job.type));
    const outcome = await executeJob(run, execution);
    metrics.observeRun(performance.now() - run.startedAtMs);
    if (outcome.kind === "completed") completer.add(run, outcome.output);
    else await settleRun(run, execution.definition, outcome, settlement);
  }

  async function beat(run: JobRun): Promise<boolean> {
    if (heartbeat.held.has(run)) await heartbeat.extend([run]);
    return heartbeat.holds(run);
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
