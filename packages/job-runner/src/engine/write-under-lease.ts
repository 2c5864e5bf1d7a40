import { LeaseLostError } from "../contract/errors.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import { resend, verdictOn } from "./write-errors.ts";

/** About six seconds of an unavailable database; then the attempt fails. */
const AWAY_ERRORS_MAX = 10;

/** Sends a write or read of a run; retries it after a temporary error while the lease holds. */
export type WriteUnderLease = <T>(run: JobRun, operation: string, send: () => Promise<T>) => Promise<T>;

/** A rejected lease aborts the run: its later writes would be rejected. */
export function createWriteUnderLease(
  heartbeat: Heartbeat,
  onError: (operation: string, error: unknown) => void,
): WriteUnderLease {
  return async (run, operation, send) => {
    heartbeat.requireLease(run);
    try {
      return await resend(send, {
        isHeld: () => heartbeat.holds(run),
        onError: (error) => onError(operation, error),
        errorsMax: { away: AWAY_ERRORS_MAX },
      });
    } catch (error) {
      if (verdictOn(error) === "lease") heartbeat.lose(run, new LeaseLostError(run.job.jobId));
      else heartbeat.requireLease(run);
      throw error;
    }
  };
}
