import { ATTEMPTS_KEPT_MAX, type AttemptRecord } from "../../contract/durable-store.ts";
import { microsText } from "../../contract/instant.ts";
import type { MemoryAttempt, MemoryJob } from "./job.ts";

/** Records a run that ends without completing the job; to be called before its lease is removed. */
export function endAttempt(job: MemoryJob, end: Pick<MemoryAttempt, "outcome" | "error">, now: bigint): void {
  const { lease, leaseGeneration, attempts } = job;
  if (lease === null) return;
  job.ended.push({ ...end, lease, leaseGeneration, attempt: attempts + 1, endedAt: now });
  if (job.ended.length > ATTEMPTS_KEPT_MAX) job.ended.shift();
}

/** The job's runs, oldest first: unsuccessful ones, and the current or completing one. */
export function attemptsOf(job: MemoryJob): AttemptRecord[] {
  const ended = job.ended.map(({ lease, endedAt, ...attempt }) => ({
    ...attempt,
    workerId: lease.workerId,
    startedAt: microsText(lease.lockedAt),
    endedAt: microsText(endedAt),
  }));
  const { status, attempts, leaseGeneration, completedAt } = job;
  const startedAt = job.lease?.lockedAt ?? job.lockedAt;
  if ((status !== "running" && status !== "completed") || startedAt === null) return ended;
  const current = {
    attempt: attempts + 1,
    leaseGeneration,
    workerId: job.lease?.workerId ?? job.lockedBy,
    startedAt: microsText(startedAt),
    endedAt: completedAt === null ? null : microsText(completedAt),
    outcome: status,
    error: null,
  };
  return [...ended, current];
}
