import { type Backoff, backoffMs } from "./backoff.ts";
import { JobRunnerError, LeaseLostError } from "./errors.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";

const PERSIST_BACKOFF: Backoff = { baseMs: 20, factor: 2, maxMs: 1000, jitter: 0.2 };
/** About six seconds of a database that is away; after that the attempt has failed. */
const PERSIST_ATTEMPTS_MAX = 10;

/** Sends what a run writes or reads under its lease; again after a database error, while the lease holds. */
export type Persist = <T>(run: JobRun, operation: string, send: () => Promise<T>) => Promise<T>;

/** A refused lease aborts the run: none of what it would write later counts. */
export function createPersist(
  heartbeat: Heartbeat,
  onError: (operation: string, error: unknown) => void,
): Persist {
  return async (run, operation, send) => {
    for (let failures = 1; ; failures += 1) {
      heartbeat.requireLease(run);
      try {
        return await send();
      } catch (error) {
        if (error instanceof JobRunnerError) {
          heartbeat.lose(run, new LeaseLostError(run.job.jobId));
          throw error;
        }
        onError(operation, error);
        if (failures >= PERSIST_ATTEMPTS_MAX) throw error;
        await Bun.sleep(backoffMs(failures, PERSIST_BACKOFF));
      }
    }
  };
}
