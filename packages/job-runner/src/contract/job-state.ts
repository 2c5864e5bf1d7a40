import type { JobFilter, JobState, JobSummary } from "./admin-store.ts";
import type { JobRecord } from "./driver.ts";
import { type Instant, instantMicros, microsText } from "./instant.ts";

/** The state of the job at a time. Default: now, by this process's clock. */
export function jobState(
  job: Pick<JobRecord, "status" | "runAt" | "dlqReason">,
  now: Instant = new Date(),
): JobState {
  if (job.status === "failed") return job.dlqReason === null ? "cancelled" : "dead";
  if (job.status !== "queued") return job.status;
  if (job.runAt === "infinity") return "waiting";
  return job.runAt === null || job.runAt <= microsText(instantMicros(now)) ? "ready" : "scheduled";
}

/** The fields of a job in lists. */
export function toSummary(job: JobRecord): JobSummary {
  const { payload: _payload, output: _output, leaseToken: _leaseToken, ...summary } = job;
  return summary;
}

export function matchesFilter(job: JobRecord, filter: JobFilter, now: Instant): boolean {
  const { states, queue, exceptQueue, type, ids, concurrencyKey, createdAfter, createdBefore } = filter;
  return (
    (states === undefined || states.includes(jobState(job, now))) &&
    (queue === undefined || job.queue === queue) &&
    (exceptQueue === undefined || job.queue !== exceptQueue) &&
    (type === undefined || job.type === type) &&
    (ids === undefined || ids.includes(job.id)) &&
    (concurrencyKey === undefined || job.concurrencyKey === concurrencyKey) &&
    (createdAfter === undefined || instantMicros(job.createdAt) > instantMicros(createdAfter)) &&
    (createdBefore === undefined || instantMicros(job.createdAt) < instantMicros(createdBefore))
  );
}
