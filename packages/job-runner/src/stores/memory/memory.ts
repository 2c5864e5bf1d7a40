import { type Driver, EVENT_DAYS } from "../../contract/driver.ts";
import { JobNotInflightError, UnsupportedByDriverError } from "../../contract/errors.ts";
import type { JsonText } from "../../contract/storable-json.ts";
import { checkedDriver } from "../checked-driver.ts";
import { adminOperations } from "./admin.ts";
import { endAttempt } from "./attempts.ts";
import { createMemoryDurableStore } from "./durable.ts";
import { cancelJob, endLease, type MemoryJob, runAtOf, toRecord, toReserved } from "./job.ts";
import { createMemoryScheduleStore } from "./schedules.ts";
import { forgetEvents } from "./steps.ts";
import { bury, createMemoryStore, type MemoryStore, microsOf, throwIfRefused } from "./store.ts";

const MAX_RECOVERIES = 5;
const MICROS_PER_MS = 1000n;

/** Keeps jobs in this process: for tests, examples and programs that may lose jobs. The same contract as Postgres. */
export function createMemoryDriver(): Driver {
  const store = createMemoryStore();
  return checkedDriver({
    name: "memory",
    ...queueOperations(store),
    ...leaseOperations(store),
    ...maintenanceOperations(store),
    ...adminOperations(store),
    ...createMemoryDurableStore(store),
    ...createMemoryScheduleStore(store),
  });
}

function queueOperations({ jobs, pauses, store, start, recover, claim }: MemoryStore) {
  return {
    async enqueue(newJobs, options) {
      if (options?.transaction) throw new UnsupportedByDriverError("A transaction", "memory");
      const now = microsOf(options);
      return newJobs.map((job) => store(job, now));
    },
    async handOver(newJob, request, at) {
      if (pauses.has(newJob.queue)) return undefined;
      const now = microsOf(at);
      const { id } = store(newJob, now);
      const job = jobs.get(id);
      if (job === undefined) throw new JobNotInflightError(id);
      start(job, request, now);
      return toReserved(job, request.token);
    },
    async reserve(request, at) {
      const now = microsOf(at);
      const recovered = recover(request.maxRecoveries ?? MAX_RECOVERIES, now);
      return { jobs: claim(request, now), recovered };
    },
    async get(jobId) {
      const job = jobs.get(jobId);
      return job && toRecord(job);
    },
  } satisfies Partial<Driver>;
}

function leaseOperations({ jobs, update, underLease }: MemoryStore) {
  return {
    async extend(leases, leaseMs, at) {
      const now = microsOf(at);
      return leases.flatMap((lease) => underLease(lease, now, (job) => renew(job, leaseMs, now)) ?? []);
    },
    async ack(acks, at) {
      const now = microsOf(at);
      return acks.flatMap(
        (ack) => underLease(ack, now, (job) => complete(job, ack.output, now), ["completed"]) ?? [],
      );
    },
    async retry(lease, request, at) {
      const now = microsOf(at);
      throwIfRefused(
        underLease(lease, now, (job) => {
          endAttempt(job, { outcome: "failed", error: request.error }, now);
          endLease(job, "queued", now);
          job.attempts += 1;
          job.lastError = request.error;
          const delay = request.delayMs ? { delayMs: request.delayMs } : {};
          job.runAt = runAtOf({ runAt: request.runAt ?? null, ...delay }, now);
        }),
      );
    },
    async fail(lease, request, at) {
      const now = microsOf(at);
      const change = (job: MemoryJob) => {
        endAttempt(job, { outcome: "failed", error: request.error }, now);
        job.attempts += 1;
        job.lastError = request.error;
        bury(job, { kind: request.kind, reason: request.reason ?? request.error }, now);
      };
      throwIfRefused(underLease(lease, now, change, ["completed", "failed"]));
    },
    async release(leases, at) {
      const now = microsOf(at);
      for (const { jobId, token } of leases) {
        const job = jobs.get(jobId);
        if (job?.lease?.token !== token) continue;
        endLease(job, "queued", now);
        update(job);
      }
    },
  } satisfies Partial<Driver>;
}

function maintenanceOperations({ jobs, update, remove, knownKeys, durable, dead }: MemoryStore) {
  return {
    async cancel(jobId, reason, at) {
      const job = jobs.get(jobId);
      if (job === undefined || !["queued", "running"].includes(job.status)) return false;
      cancelJob(job, reason, microsOf(at));
      update(job);
      return true;
    },
    async deadLetters(filter, page) {
      const after = Number(page.after ?? 0);
      return [...dead(filter)]
        .filter((job) => Number(job.id) > after)
        .slice(0, page.limit)
        .map(toRecord);
    },
    async maintain(retention, at) {
      const now = microsOf(at);
      for (const job of jobs.values()) {
        if (job.completedAt === null || job.completedAt >= now - days(retention.archiveDays)) continue;
        remove(job);
      }
      for (const [key, known] of knownKeys) {
        if (known.createdAt < now - days(retention.idempotencyKeyDays)) knownKeys.delete(key);
      }
      forgetEvents(durable, now - days(retention.eventDays ?? EVENT_DAYS));
    },
  } satisfies Partial<Driver>;
}

function renew(job: MemoryJob, leaseMs: number, now: bigint) {
  if (job.lease === null) return;
  job.lease = { ...job.lease, heartbeatAt: now, expiresAt: now + BigInt(leaseMs) * MICROS_PER_MS };
  job.updatedAt = now;
}

function complete(job: MemoryJob, output: JsonText | undefined, now: bigint) {
  const { workerId, lockedAt } = job.lease ?? { workerId: null, lockedAt: null };
  endLease(job, "completed", now);
  Object.assign(job, { output: output ?? null, completedAt: now, lockedBy: workerId, lockedAt });
}

function days(count: number): bigint {
  return BigInt(count) * 86_400_000_000n;
}
