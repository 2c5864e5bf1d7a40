import type { ReserveOneRequest } from "../../contract/admin-store.ts";
import type {
  At,
  DeadLetterFilter,
  Enqueued,
  HandOverRequest,
  Lease,
  NewJob,
  ReservedJob,
  ReserveRequest,
} from "../../contract/driver.ts";
import {
  JobNotInflightError,
  LeaseExpiredError,
  LeaseMismatchError,
  type LeaseRefusal,
} from "../../contract/errors.ts";
import { instantMicros } from "../../contract/instant.ts";
import { endAttempt } from "./attempts.ts";
import { createMemoryEnqueue } from "./enqueue.ts";
import { endLease, type MemoryJob, NEVER, startLease, toReserved } from "./job.ts";
import { createMemoryLines } from "./lines.ts";
import { type MemoryDurable, newMemoryDurable } from "./steps.ts";

export type MemoryStore = {
  readonly jobs: Map<string, MemoryJob>;
  readonly pauses: Map<string, { pausedAt: bigint; reason: string | null }>;
  /** By queue and idempotency key. */
  readonly knownKeys: Map<string, { jobId: string; createdAt: bigint }>;
  readonly durable: MemoryDurable;
  store(job: NewJob, now: bigint): Enqueued;
  recover(maxRecoveries: number, now: bigint): { requeued: number; dead: number };
  claim(request: ReserveRequest, now: bigint): ReservedJob[];
  claimOne(jobId: string, request: ReserveOneRequest, now: bigint): ReservedJob | undefined;
  start(job: MemoryJob, lease: HandOverRequest, now: bigint): void;
  update(job: MemoryJob): void;
  remove(job: MemoryJob): void;
  underLease(
    lease: Lease,
    now: bigint,
    change: (job: MemoryJob) => void,
    accepted?: string[],
  ): LeaseRefusal | undefined;
  dead(filter: DeadLetterFilter): Generator<MemoryJob, void, unknown>;
};

/** The jobs of the memory driver and their state changes; times are microseconds since 1970. */
export function createMemoryStore(): MemoryStore {
  const jobs = new Map<string, MemoryJob>();
  const pauses = new Map<string, { pausedAt: bigint; reason: string | null }>();
  const knownKeys = new Map<string, { jobId: string; createdAt: bigint }>();
  const durable = newMemoryDurable();
  const lines = createMemoryLines();
  const store = createMemoryEnqueue({ jobs, knownKeys, durable, update: lines.update });

  function recover(maxRecoveries: number, now: bigint) {
    const counts = { requeued: 0, dead: 0 };
    for (const job of [...lines.running]) {
      if (job.lease === null || job.lease.expiresAt > now) continue;
      const dead = job.recoveries >= maxRecoveries;
      endAttempt(job, { outcome: "lease_lost", error: null }, now);
      job.recoveries += 1;
      if (dead) bury(job, { kind: "lease_expired", reason: "lease_expired" }, now);
      else endLease(job, "queued", now);
      lines.update(job);
      counts[dead ? "dead" : "requeued"] += 1;
    }
    return counts;
  }

  function claim(request: ReserveRequest, now: bigint) {
    if (pauses.has(request.queue)) return [];
    const token = crypto.randomUUID();
    const claimed = lines.take(request, now, (job) => start(job, { token, ...request }, now));
    return claimed.map((job) => toReserved(job, token));
  }

  function claimOne(jobId: string, request: ReserveOneRequest, now: bigint) {
    const job = jobs.get(jobId);
    if (job?.status !== "queued" || job.runAt === NEVER || !lines.hasFreeSlot(job)) return undefined;
    const token = crypto.randomUUID();
    start(job, { token, ...request }, now);
    return toReserved(job, token);
  }

  function start(job: MemoryJob, lease: HandOverRequest, now: bigint) {
    startLease(job, lease, now);
    lines.update(job);
  }

  /** Runs `change` on the job if the lease holds; does nothing if the job is in an accepted state. */
  function underLease(lease: Lease, now: bigint, change: (job: MemoryJob) => void, accepted: string[] = []) {
    const job = jobs.get(lease.jobId);
    const refused = refusal(job, lease, now, accepted);
    if (refused !== undefined || !job?.lease) return refused;
    change(job);
    lines.update(job);
    return undefined;
  }

  /** Deletes a job that is not running, with all its data. */
  function remove(job: MemoryJob) {
    jobs.delete(job.id);
    durable.steps.delete(job.id);
    durable.logs.delete(job.id);
    // Invalidates its entries.
    job.place += 1;
  }

  function* dead(filter: DeadLetterFilter) {
    for (const job of jobs.values()) if (isDeadLetter(job, filter)) yield job;
  }

  const { update } = lines;
  return {
    jobs,
    pauses,
    knownKeys,
    durable,
    store,
    recover,
    claim,
    claimOne,
    start,
    update,
    remove,
    underLease,
    dead,
  };
}

/** The operation's time in microseconds since 1970: this process's clock unless the caller passes one. */
export function microsOf(at: At | undefined): bigint {
  return at?.now === undefined ? BigInt(Date.now()) * 1000n : instantMicros(at.now);
}

function refusal(
  job: MemoryJob | undefined,
  { jobId, token }: Lease,
  now: bigint,
  accepted: readonly string[],
): LeaseRefusal | undefined {
  if (job !== undefined && accepted.includes(job.status)) return undefined;
  if (!job?.lease) return { jobId, error: new JobNotInflightError(jobId) };
  if (job.lease.expiresAt <= now) return { jobId, error: new LeaseExpiredError(jobId) };
  return job.lease.token === token ? undefined : { jobId, error: new LeaseMismatchError(jobId) };
}

export function throwIfRefused(refused: LeaseRefusal | undefined): void {
  if (refused !== undefined) throw refused.error;
}

export function bury(job: MemoryJob, why: { kind: string; reason: string }, now: bigint): void {
  endLease(job, "failed", now);
  Object.assign(job, { failureKind: why.kind, failedAt: now, dlqReason: why.reason, dlqFailedAt: now });
}

function isDeadLetter(job: MemoryJob, filter: DeadLetterFilter): boolean {
  return (
    job.dlqReason !== null &&
    (filter.queue === undefined || filter.queue === job.queue) &&
    (filter.type === undefined || filter.type === job.type) &&
    (filter.ids === undefined || filter.ids.includes(job.id))
  );
}
