import type { JobSummary } from "../contract/admin-store.ts";
import type { JobRun } from "./job-run.ts";
import type { Settings } from "./settings.ts";
import { runFields } from "./settle-run.ts";

/** Running jobs of all processes that are compared with their expected time, longest first. */
const LOOKED_AT_MAX = 1000;

export type LongRun = {
  readonly job: JobSummary;
  readonly runningMs: number;
  /** Null: the type is unknown in this process, or has no expected time. */
  readonly expectedRunMs: number | null;
  /** Runs for more than `stuckFactor` times its expected time. */
  readonly isStuck: boolean;
};

export type LongRuns = {
  stuckRuns(): JobRun[];
  report(): void;
  list(limit: number): Promise<LongRun[]>;
};

/** Finds runs that take too long: of this process for its log, of all processes for `longRuns`. */
export function createLongRuns(settings: Settings, running: () => readonly JobRun[]): LongRuns {
  const { driver, jobs, stuckFactor, logger } = settings;
  const reported = new WeakSet<JobRun>();

  /** Stuck runs of this process. */
  function stuckRuns(): JobRun[] {
    const nowMs = performance.now();
    return running().filter((run) => isStuck(run.job.type, nowMs - run.startedAtMs));
  }

  /** Logs each stuck run of this process once. */
  function report(): void {
    for (const run of stuckRuns()) {
      if (reported.has(run)) continue;
      reported.add(run);
      const { ended_at: _, ...fields } = runFields(run);
      const running_ms = Math.round(performance.now() - run.startedAtMs);
      const expected_run_ms = jobs.get(run.job.type)?.expectedRunMs;
      logger.warn({ ...fields, running_ms, expected_run_ms }, "job runs much longer than expected");
    }
  }

  /** The longest runs of all processes, with the worker of each; by this process's clock. */
  async function list(limit: number): Promise<LongRun[]> {
    const found = await driver.runningJobs(Math.min(limit, LOOKED_AT_MAX));
    return found.map((job) => {
      const runningMs = Math.max(0, Date.now() - Date.parse(job.lockedAt ?? job.updatedAt));
      const expectedRunMs = jobs.get(job.type)?.expectedRunMs ?? null;
      return { job, runningMs, expectedRunMs, isStuck: isStuck(job.type, runningMs) };
    });
  }

  function isStuck(type: string, runningMs: number): boolean {
    const expectedMs = jobs.get(type)?.expectedRunMs;
    return expectedMs !== undefined && runningMs > expectedMs * stuckFactor;
  }

  return { stuckRuns, report, list };
}
