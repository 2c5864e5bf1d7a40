import type { Enqueued, NewJob } from "../../contract/driver.ts";
import { type MemoryJob, newMemoryJob, replaceJob } from "./job.ts";
import type { MemoryDurable } from "./steps.ts";

export type EnqueueParts = {
  readonly jobs: Map<string, MemoryJob>;
  readonly knownKeys: Map<string, { jobId: string; createdAt: bigint }>;
  readonly durable: MemoryDurable;
  update(job: MemoryJob): void;
};

/** Stores new jobs: one per idempotency key, and replacing a waiting one with the replace key. */
export function createMemoryEnqueue({ jobs, knownKeys, durable, update }: EnqueueParts) {
  /** The newest job, by queue, type and replace key. */
  const lastOfKey = new Map<string, string>();
  let lastId = 0;

  return function store(job: NewJob, now: bigint): Enqueued {
    const { queue, type, idempotencyKey, replaceKey } = job;
    const key = idempotencyKey === undefined ? undefined : JSON.stringify([queue, idempotencyKey]);
    const known = key === undefined ? undefined : knownKeys.get(key);
    if (known !== undefined) return { id: known.jobId, existed: true };
    const place = replaceKey === undefined ? undefined : JSON.stringify([queue, type, replaceKey]);
    const waiting = place === undefined ? undefined : jobs.get(lastOfKey.get(place) ?? "");
    if (waiting !== undefined && hasNotRun(waiting)) {
      replaceJob(waiting, job, now);
      update(waiting);
      return { id: waiting.id, existed: true };
    }
    lastId += 1;
    const stored = newMemoryJob(String(lastId), job, now);
    jobs.set(stored.id, stored);
    update(stored);
    if (key !== undefined) knownKeys.set(key, { jobId: stored.id, createdAt: now });
    if (place !== undefined) lastOfKey.set(place, stored.id);
    return { id: stored.id, existed: false };
  };

  function hasNotRun({ id, status, attempts, recoveries }: MemoryJob): boolean {
    return status === "queued" && attempts + recoveries === 0 && !durable.steps.get(id)?.size;
  }
}
