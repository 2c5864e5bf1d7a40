import type { ReservedJob } from "../contract/driver.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { JobRun } from "./job-run.ts";

const POLL_MS = 5;

export type ManualRuns = {
  running: Set<JobRun>;
  runHere(job: ReservedJob): Promise<void>;
  stop(): Promise<never[]>;
};

/** Runs of jobs that were named to `runOne`, beside those of the workers. */
export function createManualRuns(
  heartbeat: Heartbeat,
  leaseMs: number,
  perform: (run: JobRun) => Promise<void>,
): ManualRuns {
  const running = new Set<JobRun>();

  /** Runs a job that is leased already; resolves when its outcome is written. */
  async function runHere(job: ReservedJob): Promise<void> {
    const run = new JobRun(job, performance.now(), leaseMs);
    heartbeat.start();
    heartbeat.hold(run);
    running.add(run);
    run.startedAtMs = performance.now();
    await perform(run);
    running.delete(run);
    // The acknowledgement goes with a batch: the lease is held until it is through.
    while (heartbeat.held.has(run)) await Bun.sleep(POLL_MS);
  }

  return { running, runHere, stop: async () => [] };
}
