import type { ReservedJob } from "../contract/driver.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { JobRun } from "./job-run.ts";

const POLL_MS = 5;

export type ManualRuns = {
  running: Set<JobRun>;
  runHere(job: ReservedJob): Promise<void>;
  stop(): Promise<never[]>;
};

/** Runs started by `runOne`, in addition to those of the workers. */
export function createManualRuns(
  heartbeat: Heartbeat,
  leaseMs: number,
  perform: (run: JobRun) => Promise<void>,
): ManualRuns {
  const running = new Set<JobRun>();

  /** Runs a leased job; resolves when its outcome is stored. */
  async function runHere(job: ReservedJob): Promise<void> {
    const run = new JobRun(job, performance.now(), leaseMs);
    heartbeat.start();
    heartbeat.hold(run);
    running.add(run);
    run.startedAtMs = performance.now();
    await perform(run);
    running.delete(run);
    // The acknowledgement is sent in a batch; the lease is held until it is stored.
    while (heartbeat.held.has(run)) await Bun.sleep(POLL_MS);
  }

  return { running, runHere, stop: async () => [] };
}
