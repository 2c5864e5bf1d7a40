import type { ReservedJob } from "../contract/driver.ts";

/**
 * A job that this worker holds: waiting in the buffer, running, or done and not yet acknowledged.
 * A class, as one is made for every job: closures for each cost more than the rest of a no-op run.
 * Times are performance.now().
 */
export class JobRun {
  readonly job: ReservedJob;
  readonly claimedAtMs: number;
  /** The lease lasts at least until then, as it was taken after the claim was sent. */
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

  /** Made when first asked for: most jobs never look at their signal. */
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
