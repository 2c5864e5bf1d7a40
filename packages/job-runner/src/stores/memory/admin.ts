import {
  type AdminStore,
  type BoundedCount,
  COUNT_MAX,
  type JobFilter,
  type JobSummary,
  type QueueStats,
  THROUGHPUT_WINDOW_MS,
  type WorkerSummary,
} from "../../contract/admin-store.ts";
import { microsText } from "../../contract/instant.ts";
import { jobState, matchesFilter, toSummary } from "../../contract/job-state.ts";
import { cancelJob, type MemoryJob, reviveJob, runAtOf, toRecord } from "./job.ts";
import { type MemoryStore, microsOf } from "./store.ts";

const REQUEUED_BY_DEFAULT = ["dead"] as const;

/** Operations of operators on the memory driver. */
export function adminOperations(store: MemoryStore): AdminStore {
  const { jobs, pauses, update } = store;

  function* matching(filter: JobFilter, now: bigint) {
    const nowText = microsText(now);
    for (const job of jobs.values()) if (matchesFilter(toRecord(job), filter, nowText)) yield job;
  }

  return {
    async list(filter, page, at) {
      const before = page.before === undefined ? Number.POSITIVE_INFINITY : Number(page.before);
      return [...matching(filter, microsOf(at))]
        .filter((job) => Number(job.id) < before)
        .sort((left, right) => Number(right.id) - Number(left.id))
        .slice(0, page.limit)
        .map((job) => toSummary(toRecord(job)));
    },
    count: async (filter, at) => bounded([...matching(filter, microsOf(at))].length),
    async cancelAll(filter, reason, at) {
      const now = microsOf(at);
      const found = [...matching(filter, now)].filter(isLive);
      for (const job of found) {
        cancelJob(job, reason, now);
        update(job);
      }
      return found.map((job) => job.id);
    },
    async requeue(filter, options) {
      const now = microsOf(options);
      const failed = matching({ ...filter, states: filter.states ?? REQUEUED_BY_DEFAULT }, now);
      const found = [...failed].filter((job) => job.status === "failed");
      for (const job of found) {
        reviveJob(job, options?.keepAttempts ?? false, now);
        update(job);
      }
      return found.length;
    },
    async remove(filter, at) {
      const found = [...matching(filter, microsOf(at))].filter((job) => job.status !== "running");
      for (const job of found) store.remove(job);
      return found.length;
    },
    async reschedule(jobId, change, at) {
      const job = jobs.get(jobId);
      const now = microsOf(at);
      if (job?.status !== "queued" || jobState(toRecord(job), microsText(now)) === "waiting") return false;
      if (change.priority !== undefined) job.priority = change.priority;
      if (change.runAt !== undefined) job.runAt = runAtOf({ runAt: change.runAt }, now);
      job.updatedAt = now;
      update(job);
      return true;
    },
    reserveOne: async (jobId, request, at) => store.claimOne(jobId, request, microsOf(at)),
    async queueStats(alsoQueues = [], at) {
      const held = [...jobs.values()].map((job) => job.queue);
      const names = new Set([...held, ...pauses.keys(), ...alsoQueues]);
      return [...names].sort().map((queue) => statsOf(store, queue, microsOf(at)));
    },
    async pauseQueue(queue, reason, at) {
      if (pauses.has(queue)) return false;
      pauses.set(queue, { pausedAt: microsOf(at), reason });
      return true;
    },
    resumeQueue: async (queue) => pauses.delete(queue),
    async runningJobs(limit) {
      const running = [...jobs.values()].map(toRecord).filter((job) => job.status === "running");
      return running.sort(byLockedAt).slice(0, limit).map(toSummary);
    },
    workers: async () => workersOf([...jobs.values()].map((job) => toSummary(toRecord(job)))),
  };
}

function isLive(job: MemoryJob): boolean {
  return job.status === "queued" || job.status === "running";
}

function byLockedAt(left: { lockedAt: string | null }, right: { lockedAt: string | null }): number {
  return (left.lockedAt ?? "") < (right.lockedAt ?? "") ? -1 : 1;
}

function statsOf({ jobs, pauses }: MemoryStore, queue: string, now: bigint): QueueStats {
  const held = [...jobs.values()].filter((job) => job.queue === queue);
  const states = Map.groupBy(held, (job) => jobState(toRecord(job), microsText(now)));
  const waits = (states.get("ready") ?? []).map((job) => now - job.runAt);
  const since = now - BigInt(THROUGHPUT_WINDOW_MS) * 1000n;
  const completed = held.filter((job) => job.completedAt !== null && job.completedAt > since);
  const pause = pauses.get(queue);
  return {
    queue,
    ready: bounded(states.get("ready")?.length),
    scheduled: bounded(states.get("scheduled")?.length),
    waiting: bounded(states.get("waiting")?.length),
    running: bounded(states.get("running")?.length),
    dead: bounded(states.get("dead")?.length),
    oldestReadyMs: waits.length === 0 ? null : Math.max(...waits.map((wait) => Number(wait) / 1000)),
    completedPerSecond: completed.length / (THROUGHPUT_WINDOW_MS / 1000),
    pausedAt: pause === undefined ? null : microsText(pause.pausedAt),
    pauseReason: pause?.reason ?? null,
  };
}

function bounded(count = 0): BoundedCount {
  return { count: Math.min(count, COUNT_MAX), isCapped: count > COUNT_MAX };
}

function workersOf(jobs: readonly JobSummary[]): WorkerSummary[] {
  const running = jobs.filter((job) => job.status === "running").sort(byLockedAt);
  const byWorker = Map.groupBy(running, (job) => job.lockedBy ?? "");
  return [...byWorker]
    .map(([workerId, held]) => ({
      workerId,
      jobs: bounded(held.length),
      oldestLockedAt: held[0]?.lockedAt ?? "",
      lastHeartbeatAt:
        held
          .map((job) => job.heartbeatAt ?? "")
          .sort()
          .at(-1) ?? "",
    }))
    .sort((left, right) => (left.workerId < right.workerId ? -1 : 1));
}
