import type { ReservedJob } from "../contract/driver.ts";
import { drainWorkers } from "./drain.ts";
import { createHeartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import { createJobRuns } from "./job-runs.ts";
import { createManualRuns } from "./manual-runs.ts";
import type { Metrics } from "./metrics.ts";
import { createRunListeners } from "./run-listeners.ts";
import type { Settings } from "./settings.ts";
import { Worker } from "./worker.ts";

export type WorkforceListeners = {
  onDatabaseError(operation: string, error: unknown): void;
  /** A job of this process was completed or has failed. */
  onEnded(jobId: string): void;
  deliverEvents(): Promise<void>;
};

export type Workforce = {
  start(): void;
  drain(deadlineMs: number): Promise<void>;
  running(): JobRun[];
  unwritten(): number;
  claimLateMs(): number;
  runHere(job: ReservedJob): Promise<void>;
  workerOf(queue: string): Worker | undefined;
  cancelled(jobId: string): void;
  suspect(jobId: string): Promise<void>;
  wakeAll(): void;
};

/** The workers of a runner, one per queue, and their shared parts: heartbeat, completer, metrics. */
export function createWorkforce(
  settings: Settings,
  metrics: Metrics,
  { onDatabaseError, onEnded, deliverEvents }: WorkforceListeners,
): Workforce {
  const { driver } = settings;
  const workers = new Map<string, Worker>();
  const listeners = createRunListeners({ ...settings, workers, metrics, onEnded });
  const heartbeat = createHeartbeat({ ...settings, onError: (error) => onDatabaseError("extend", error) });
  const runs = createJobRuns(settings, metrics, { heartbeat, listeners, deliverEvents, onDatabaseError });
  const { completer, perform } = runs;
  const manualRuns = createManualRuns(heartbeat, settings.leaseMs, perform);

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

  function start() {
    heartbeat.start();
    for (const worker of workers.values()) worker.start();
  }

  const drain = (deadlineMs: number) =>
    drainWorkers({ workers: all(), driver, heartbeat, completer, onError: onDatabaseError }, deadlineMs);

  const all = () => [...workers.values(), manualRuns];
  const running = (): JobRun[] => all().flatMap((worker) => [...worker.running]);

  return {
    start,
    drain,
    running,
    unwritten: runs.unwritten,
    claimLateMs: () => Math.max(0, ...[...workers.values()].map((worker) => worker.claimLateMs())),
    runHere: manualRuns.runHere,
    workerOf: (queue: string) => workers.get(queue),
    cancelled: heartbeat.cancelled,
    suspect: heartbeat.suspect,
    wakeAll: () => {
      for (const worker of workers.values()) worker.wake();
    },
  };
}
