import type { Logger } from "pino";
import type { ReservedJob } from "./drivers/driver.ts";

/** What a job's `run` is given. */
export interface JobContext {
  readonly jobId: string;
  readonly type: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Names this lease of the job. Write it beside what must not be written by a worker that lost the job. */
  readonly leaseToken: string;
  /** Aborts on timeout, cancel, drain, and before the lease ends: after that nothing this run writes will count. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Extends the lease now; false when it is lost. Beats happen by themselves: only code that blocks needs it. */
  heartbeat(): Promise<boolean>;
}

/** A job that this worker holds: waiting in the buffer, running, or done and not yet acknowledged. */
export interface JobRun {
  readonly job: ReservedJob;
  readonly claimedAtMs: number;
  /** Local, monotonic: the lease lasts at least until then, as it was taken after the claim was sent. */
  leaseEndsAtMs: number;
  startedAtMs: number;
  abortReason: Error | undefined;
  /** Made when first asked for: most jobs never look at their signal. */
  readonly signal: AbortSignal;
  abort(reason: Error): void;
  onAbort: (() => void) | undefined;
}

/** Times are performance.now(). */
export function createJobRun(job: ReservedJob, claimedAtMs: number, leaseMs: number): JobRun {
  let controller: AbortController | undefined;
  return {
    job,
    claimedAtMs,
    leaseEndsAtMs: claimedAtMs + leaseMs,
    startedAtMs: 0,
    abortReason: undefined,
    onAbort: undefined,
    get signal() {
      if (controller === undefined) {
        controller = new AbortController();
        if (this.abortReason) controller.abort(this.abortReason);
      }
      return controller.signal;
    },
    abort(reason) {
      if (this.abortReason) return;
      this.abortReason = reason;
      controller?.abort(reason);
      this.onAbort?.();
    },
  };
}
