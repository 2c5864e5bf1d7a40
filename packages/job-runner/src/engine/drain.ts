import type { Driver } from "../contract/driver.ts";
import { JobDrainedError } from "../contract/errors.ts";
import { TIMEOUT_MAX_MS } from "../contract/option-schemas.ts";
import { withTimeLimit } from "../contract/time-limit.ts";
import type { Completer } from "./completer.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import type { Worker } from "./worker.ts";

/** Share of a drain's time that aborted runs have to end. */
const ABORT_SHARE = 0.2;
const POLL_MS = 5;
/** The minimum for a statement, even after the deadline: without it jobs stay leased until their lease expires. */
const SEND_MS = 200;

export type DrainParts = {
  readonly workers: readonly Pick<Worker, "running" | "stop">[];
  readonly driver: Driver;
  readonly heartbeat: Heartbeat;
  readonly completer: Completer;
  onError(operation: string, error: unknown): void;
};

/** Stops claims, releases jobs that were not started, and waits for running ones; releases those that do not end in time. */
export async function drainWorkers(parts: DrainParts, deadlineMs: number): Promise<void> {
  const { workers, heartbeat, completer } = parts;
  const endMs = performance.now() + deadlineMs;
  const stopping = Promise.all(workers.map((worker) => worker.stop()));
  await within(
    endMs,
    stopping.then((unstarted) => giveBack(parts, unstarted.flat())),
  );
  await runsEnd(workers, endMs - deadlineMs * ABORT_SHARE);
  const unfinished = running(workers);
  for (const run of unfinished) heartbeat.lose(run, new JobDrainedError(run.job.jobId));
  await runsEnd(workers, endMs);
  await within(endMs, Promise.all([giveBack(parts, unfinished), completer.idle()]));
  heartbeat.stop();
}

async function giveBack({ driver, heartbeat, onError }: DrainParts, runs: readonly JobRun[]) {
  for (const run of runs) heartbeat.letGo(run);
  await driver.release(runs.map((run) => run.job)).catch((error: unknown) => onError("release", error));
}

async function runsEnd(workers: DrainParts["workers"], endMs: number) {
  while (running(workers).length > 0 && performance.now() < endMs) await Bun.sleep(POLL_MS);
}

function running(workers: DrainParts["workers"]): JobRun[] {
  return workers.flatMap((worker) => [...worker.running]);
}

/** Waits for a promise until a time of the monotonic clock. */
export async function within(endMs: number, promise: Promise<unknown>): Promise<void> {
  const leftMs = Math.min(TIMEOUT_MAX_MS, Math.max(SEND_MS, endMs - performance.now()));
  await withTimeLimit(promise, leftMs, () => undefined);
}
