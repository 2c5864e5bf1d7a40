import { JobNotInflightError, LeaseExpiredError, LeaseMismatchError, type LeaseRefusal } from "../errors.ts";
import { instantMicros } from "../instant.ts";
import type { ReserveOneRequest } from "./admin-store.ts";
import type { At, DeadLetterFilter, Enqueued, Lease, NewJob, ReserveRequest } from "./driver.ts";
import { endAttempt } from "./memory-attempts.ts";
import { endLease, type MemoryJob, NEVER, newMemoryJob, startLease, toReserved } from "./memory-job.ts";
import { newMemoryDurable } from "./memory-steps.ts";

/** The jobs of the memory driver and the rules by which they change; times are microseconds since 1970. */
export function createMemoryStore() {
  const jobs = new Map<string, MemoryJob>();
  const pauses = new Map<string, { pausedAt: bigint; reason: string | null }>();
  const knownKeys = new Map<string, { jobId: string; createdAt: bigint }>();
  const durable = newMemoryDurable();
  let lastId = 0;

  function store(job: NewJob, now: bigint): Enqueued {
    const key =
      job.idempotencyKey === undefined ? undefined : JSON.stringify([job.queue, job.idempotencyKey]);
    const known = key === undefined ? undefined : knownKeys.get(key);
    if (known !== undefined) return { id: known.jobId, existed: true };
    lastId += 1;
    const id = String(lastId);
    jobs.set(id, newMemoryJob(id, job, now));
    if (key !== undefined) knownKeys.set(key, { jobId: id, createdAt: now });
    return { id, existed: false };
  }

  function recover(maxRecoveries: number, now: bigint) {
    const counts = { requeued: 0, dead: 0 };
    for (const job of jobs.values()) {
      if (job.lease === null || job.lease.expiresAt > now) continue;
      const dead = job.recoveries >= maxRecoveries;
      endAttempt(job, { outcome: "lease_lost", error: null }, now);
      job.recoveries += 1;
      if (dead) bury(job, { kind: "lease_expired", reason: "lease_expired" }, now);
      else endLease(job, "queued", now);
      counts[dead ? "dead" : "requeued"] += 1;
    }
    return counts;
  }

  function claim(request: ReserveRequest, now: bigint) {
    const token = crypto.randomUUID();
    const claimed: MemoryJob[] = [];
    if (pauses.has(request.queue)) return [];
    const waiting = [...jobs.values()].filter((job) => isRunnable(job, request, now)).sort(inOrder);
    for (const job of waiting) {
      if (claimed.length >= request.limit) break;
      if (!hasFreeSlot(job, jobs)) continue;
      startLease(job, { token, ...request }, now);
      claimed.push(job);
    }
    return claimed.map((job) => toReserved(job, token));
  }

  function claimOne(jobId: string, request: ReserveOneRequest, now: bigint) {
    const job = jobs.get(jobId);
    if (job?.status !== "queued" || job.runAt === NEVER || !hasFreeSlot(job, jobs)) return undefined;
    const token = crypto.randomUUID();
    startLease(job, { token, ...request }, now);
    return toReserved(job, token);
  }

  function refusal(
    { jobId, token }: Lease,
    now: bigint,
    accepted: readonly string[],
  ): LeaseRefusal | undefined {
    const job = jobs.get(jobId);
    if (job !== undefined && accepted.includes(job.status)) return undefined;
    if (!job?.lease) return { jobId, error: new JobNotInflightError(jobId) };
    if (job.lease.expiresAt <= now) return { jobId, error: new LeaseExpiredError(jobId) };
    return job.lease.token === token ? undefined : { jobId, error: new LeaseMismatchError(jobId) };
  }

  /** Runs `change` on the job if the lease holds; does nothing if the job is in an accepted state. */
  function underLease(lease: Lease, now: bigint, change: (job: MemoryJob) => void, accepted: string[] = []) {
    const refused = refusal(lease, now, accepted);
    if (refused !== undefined) return refused;
    const job = jobs.get(lease.jobId);
    if (job?.lease) change(job);
    return undefined;
  }

  function* dead(filter: DeadLetterFilter) {
    for (const job of jobs.values()) if (isDeadLetter(job, filter)) yield job;
  }

  return { jobs, pauses, knownKeys, durable, store, recover, claim, claimOne, underLease, dead };
}

export type MemoryStore = ReturnType<typeof createMemoryStore>;

/** The operation's time in microseconds since 1970: this process's clock unless the caller passes one. */
export function microsOf(at: At | undefined): bigint {
  return at?.now === undefined ? BigInt(Date.now()) * 1000n : instantMicros(at.now);
}

export function throwIfRefused(refused: LeaseRefusal | undefined) {
  if (refused !== undefined) throw refused.error;
}

export function bury(job: MemoryJob, why: { kind: string; reason: string }, now: bigint) {
  endLease(job, "failed", now);
  Object.assign(job, { failureKind: why.kind, failedAt: now, dlqReason: why.reason, dlqFailedAt: now });
}

function isRunnable(job: MemoryJob, request: ReserveRequest, now: bigint): boolean {
  const known = request.types === undefined || request.types.includes(job.type);
  return job.status === "queued" && job.queue === request.queue && known && job.runAt <= now;
}

function inOrder(left: MemoryJob, right: MemoryJob): number {
  const byTime = Number(left.runAt - right.runAt);
  return left.priority - right.priority || byTime || Number(left.id) - Number(right.id);
}

function hasFreeSlot(job: MemoryJob, jobs: ReadonlyMap<string, MemoryJob>): boolean {
  if (job.concurrencyKey === null) return true;
  let running = 0;
  for (const other of jobs.values()) {
    if (other.status === "running" && other.concurrencyKey === job.concurrencyKey) running += 1;
  }
  return running < job.concurrencyLimit;
}

function isDeadLetter(job: MemoryJob, filter: DeadLetterFilter): boolean {
  return (
    job.dlqReason !== null &&
    (filter.queue === undefined || filter.queue === job.queue) &&
    (filter.type === undefined || filter.type === job.type) &&
    (filter.ids === undefined || filter.ids.includes(job.id))
  );
}
