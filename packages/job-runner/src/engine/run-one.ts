import type { JobRecord } from "../contract/driver.ts";
import { JobNotRunnableError } from "../contract/errors.ts";
import { jobState } from "../contract/job-state.ts";
import type { Settings } from "./settings.ts";
import type { Workforce } from "./workforce.ts";

/**
 * Runs one job by its id, immediately in this process: also in inspect mode, before its time and in a paused queue. Resolves
 * with the job when its outcome is stored. Throws JobNotRunnableError when it cannot be claimed.
 */
export function createRunOne({ driver, jobs, workerId, leaseMs }: Settings, workforce: Workforce) {
  return async function runOne(jobId: string): Promise<JobRecord> {
    const job = await driver.get(jobId);
    if (job === undefined) throw new JobNotRunnableError(jobId, "it does not exist");
    if (!jobs.has(job.type)) throw new JobNotRunnableError(jobId, `this process has no job type ${job.type}`);
    const reserved = await driver.reserveOne(jobId, { workerId, leaseMs });
    if (reserved === undefined) throw new JobNotRunnableError(jobId, whyNot(job));
    await workforce.runHere(reserved);
    return (await driver.get(jobId)) ?? job;
  };
}

function whyNot(job: JobRecord): string {
  const state = jobState(job);
  if (state === "running") return `worker ${job.lockedBy} runs it`;
  if (state === "dead" || state === "cancelled") return `it is ${state}; retry it first`;
  if (state === "completed") return "it is completed; enqueue another one";
  if (state === "waiting") return "it waits for an event";
  return job.concurrencyKey === null
    ? "another worker has just claimed it"
    : "its concurrency key is taken by a running job";
}
