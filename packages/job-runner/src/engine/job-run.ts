import type { ReservedJob } from "../contract/driver.ts";

/**
 * A job that this worker holds: buffered, running, or finished and not yet acknowledged.
 * A class, because closures for each job cost more than the rest of a no-op run.
 * Times are performance.now().
 */
export class JobRun {
  readonly job: ReservedJob;
  readonly claimedAtMs: number;
  /** The earliest end of the lease: it began after the claim was sent. */
  leaseEndsAtMs: number;
  startedAtMs = 0;
  abortReason: Error | undefined = undefined;
  /** Called once when the run is aborted. */
  onAbort: (() => void) | undefined = undefined;
  #controller: AbortController | undefined = undefined;

  constructor(job: ReservedJob, claimedAtMs: number, leaseMs: number) {
    this.job = job;
    this.claimedAtMs = claimedAtMs;
    this.leaseEndsAtMs = claimedAtMs + leaseMs;
  }

  /** Created on first use: most jobs do not use their signal. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.abortReason) this.#controller.abort(this.abortReason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    if (this.abortReason) return;
    this.abortReason = reason;
    this.#controller?.abort(reason);
    this.onAbort?.();
  }
}
