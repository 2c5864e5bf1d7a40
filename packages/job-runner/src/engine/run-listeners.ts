import type { Logger } from "pino";
import type { JobRun } from "./job-run.ts";
import type { Metrics } from "./metrics.ts";
import { runFields } from "./settle-run.ts";
import type { Worker } from "./worker.ts";

/** Jobs that are due later are found by polling. */
const WAKE_WITHIN_MS = 60_000;

/** A run of this process. */
export type StartedRun = {
  readonly jobId: string;
  readonly type: string;
  readonly queue: string;
  readonly attempt: number;
};

/** An ended run of this process whose outcome is stored. */
export type RunEvent = StartedRun & {
  readonly kind: "completed" | "retried" | "suspended" | "failed";
  /** Milliseconds since the run started. */
  readonly ms: number;
};

export type RunListenerOptions = {
  readonly workers: ReadonlyMap<string, Worker>;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly onRunEnded: ((event: RunEvent) => void) | undefined;
  readonly onRunStarted: ((run: StartedRun) => void) | undefined;
  /** A job of this process was completed or has failed. */
  onEnded(jobId: string): void;
};

export type RunListeners = {
  onStarted(run: JobRun): void;
  onCompleted(runs: readonly JobRun[]): void;
  wakeFreed(runs: readonly JobRun[]): void;
  onRetry(run: JobRun, delayMs: number): void;
  onSuspended(run: JobRun, wakeInMs: number | null): void;
  onFailed(run: JobRun): void;
};

/** Counts, wake-ups and log lines after a stored outcome. */
export function createRunListeners({
  workers,
  metrics,
  logger,
  onRunEnded,
  onRunStarted,
  onEnded,
}: RunListenerOptions): RunListeners {
  function onCompleted(runs: readonly JobRun[]) {
    metrics.count("completed", runs.length);
    const isLogged = logger.isLevelEnabled("debug");
    for (const run of runs) {
      onEnded(run.job.jobId);
      if (isLogged) logger.debug(runFields(run), "job completed");
    }
    for (const worker of workers.values()) worker.pump();
    wakeFreed(runs);
    if (onRunEnded !== undefined) for (const run of runs) tell("completed", run);
  }

  function tell(kind: RunEvent["kind"], run: JobRun) {
    const ms = performance.now() - run.startedAtMs;
    guarded("onRunEnded", () => onRunEnded?.({ kind, ...described(run), ms }));
  }

  function onStarted(run: JobRun) {
    if (onRunStarted !== undefined) guarded("onRunStarted", () => onRunStarted(described(run)));
  }

  /** An error of the subscriber is logged and otherwise ignored. */
  function guarded(name: string, call: () => void) {
    try {
      call();
    } catch (error) {
      logger.error({ error_name: error instanceof Error ? error.name : typeof error }, `${name} threw`);
    }
  }

  /** The next job of a freed concurrency key can be claimed. */
  function wakeFreed(runs: readonly JobRun[]) {
    const queues = new Set<string>();
    for (const run of runs) if (run.job.concurrencyKey !== null) queues.add(run.job.queue);
    for (const queue of queues) workers.get(queue)?.wake();
  }

  function onRetry(run: JobRun, delayMs: number) {
    tell("retried", run);
    wakeWhenDue(run, delayMs);
  }

  /** The next poll may be much later than the end of a short delay, so the worker wakes when the job is due. */
  function wakeWhenDue(run: JobRun, delayMs: number) {
    if (delayMs > WAKE_WITHIN_MS) return;
    setTimeout(() => workers.get(run.job.queue)?.wake(), Math.ceil(delayMs)).unref();
  }

  function onSuspended(run: JobRun, wakeInMs: number | null) {
    if (run.job.concurrencyKey !== null) workers.get(run.job.queue)?.wake();
    if (wakeInMs !== null) wakeWhenDue(run, wakeInMs);
    tell("suspended", run);
  }

  function onFailed(run: JobRun) {
    metrics.count("failed");
    onEnded(run.job.jobId);
    tell("failed", run);
  }

  return { onStarted, onCompleted, wakeFreed, onRetry, onSuspended, onFailed };
}

function described({ job: { jobId, type, queue, attempts } }: JobRun): StartedRun {
  return { jobId, type, queue, attempt: attempts + 1 };
}
