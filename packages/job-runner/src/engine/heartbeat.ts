import type { Driver } from "../contract/driver.ts";
import { JobCancelledError, LeaseLostError } from "../contract/errors.ts";
import type { JobRun } from "./job-run.ts";

const EXTEND_BATCH = 1000;

export type HeartbeatOptions = {
  readonly driver: Driver;
  readonly leaseMs: number;
  /** Milliseconds before the end of its lease at which a run is aborted. */
  readonly leaseMarginMs: number;
  onError(error: unknown): void;
};

export type Heartbeat = {
  held: Set<JobRun>;
  start(): void;
  stop(): void;
  extend(runs: readonly JobRun[]): Promise<void>;
  lose(run: JobRun, reason: Error): void;
  holds(run: JobRun): boolean;
  requireLease(run: JobRun): void;
  cancelled(jobId: string): void;
  suspect(jobId: string): Promise<void>;
  hold(run: JobRun): Set<JobRun>;
  letGo(run: JobRun): boolean;
};

/**
 * Extends the leases of all jobs of this runner (buffered, running and not yet acknowledged) in batches. Aborts a run whose
 * lease was rejected or could not be extended in time, before the lease ends.
 */
export function createHeartbeat({ driver, leaseMs, leaseMarginMs, onError }: HeartbeatOptions): Heartbeat {
  const held = new Set<JobRun>();
  const renewBelowMs = (leaseMs * 2) / 3;
  let timer: ReturnType<typeof setInterval> | undefined;
  let beating = false;

  function start() {
    timer ??= setInterval(tick, leaseMarginMs / 2);
  }

  function stop() {
    clearInterval(timer);
    timer = undefined;
  }

  function tick() {
    const nowMs = performance.now();
    for (const run of held) {
      if (run.leaseEndsAtMs - leaseMarginMs <= nowMs) lose(run, new LeaseLostError(run.job.jobId));
    }
    if (!beating) void beat(nowMs);
  }

  async function beat(nowMs: number) {
    const due = [...held].filter((run) => run.leaseEndsAtMs - nowMs < renewBelowMs);
    beating = true;
    try {
      for (let from = 0; from < due.length; from += EXTEND_BATCH) {
        await extend(due.slice(from, from + EXTEND_BATCH));
      }
    } catch (error) {
      onError(error);
    } finally {
      beating = false;
    }
  }

  /** Extends these leases now; rejected ones are lost. */
  async function extend(runs: readonly JobRun[]) {
    const sentAtMs = performance.now();
    const refusals = await driver.extend(
      runs.map((run) => run.job),
      leaseMs,
    );
    const refused = new Set(refusals.map(({ jobId }) => jobId));
    for (const run of runs) {
      if (refused.has(run.job.jobId)) lose(run, new LeaseLostError(run.job.jobId));
      else run.leaseEndsAtMs = sentAtMs + leaseMs;
    }
  }

  /** Drops and aborts the run, unless its outcome is already written. */
  function lose(run: JobRun, reason: Error) {
    if (held.delete(run)) run.abort(reason);
  }

  /** True while the lease certainly holds. After a freeze of the process it is false. */
  function holds(run: JobRun): boolean {
    return held.has(run) && performance.now() < run.leaseEndsAtMs - leaseMarginMs;
  }

  /** Throws the reason why the run may not write. Checks the clock, because after a freeze I/O may precede the timer. */
  function requireLease(run: JobRun): void {
    if (held.has(run) && !holds(run)) lose(run, new LeaseLostError(run.job.jobId));
    if (run.abortReason) throw run.abortReason;
  }

  /** A notification reports a cancelled job. It may concern another store, so the lease is checked. */
  async function suspect(jobId: string) {
    for (const run of held) {
      if (run.job.jobId !== jobId) continue;
      const refusals = await driver.extend([run.job], leaseMs).catch((error: unknown) => {
        onError(error);
        return [];
      });
      if (refusals.length > 0) lose(run, new JobCancelledError(jobId));
    }
  }

  function cancelled(jobId: string) {
    for (const run of held) {
      if (run.job.jobId === jobId) lose(run, new JobCancelledError(jobId));
    }
  }

  return {
    held,
    start,
    stop,
    extend,
    lose,
    holds,
    requireLease,
    cancelled,
    suspect,
    hold: (run: JobRun) => held.add(run),
    letGo: (run: JobRun) => held.delete(run),
  };
}
