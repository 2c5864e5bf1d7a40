import { type LeaseRefusal, UnsupportedByDriverError } from "../errors.ts";
import type { Driver } from "./driver.ts";
import { createClaim, createLease } from "./sqlite/claim.ts";
import { createEnqueue } from "./sqlite/enqueue.ts";
import { createLeaseOperations } from "./sqlite/leases.ts";
import { BUSY_TIMEOUT_MS, openDatabase } from "./sqlite/open-database.ts";
import { createSelectJobs } from "./sqlite/select-jobs.ts";
import { microsOf } from "./sqlite/times.ts";
import { createUpkeep } from "./sqlite/upkeep.ts";
import { createWriter } from "./sqlite/writer.ts";

const MAX_RECOVERIES = 5;

type Database = ReturnType<typeof openDatabase>;
type Parts = ReturnType<typeof partsOf>;

export interface SqliteDriverOptions {
  /** A write waits so long for another process's on the same file, with this process at a stand. Default 5000. */
  readonly busyTimeoutMs?: number;
}

/**
 * Keeps jobs in one file, for one process. Each operation is one transaction, so that a second process on the same
 * machine does no harm: it sees the same jobs, but is not woken by them and waits while the other writes.
 */
export function createSqliteDriver(
  path: string,
  options: SqliteDriverOptions = {},
): Driver & { close(): Promise<void> } {
  const db = openDatabase(path, options.busyTimeoutMs ?? BUSY_TIMEOUT_MS);
  const parts = partsOf(db);
  return {
    name: "sqlite",
    ...queueOperations(parts),
    ...leaseOperations(parts),
    ...upkeepOperations(parts),
    async close() {
      parts.flush();
      db.close();
    },
  };
}

function partsOf(db: Database) {
  return {
    ...createWriter(db),
    ...createUpkeep(db),
    ...createSelectJobs(db),
    store: createEnqueue(db),
    claim: createClaim(db),
    lease: createLease(db),
    leases: createLeaseOperations(db),
  };
}

function queueOperations({ write, store, claim, lease, recover, get }: Parts) {
  return {
    async enqueue(jobs, options) {
      if (options?.transaction) throw new UnsupportedByDriverError("A transaction", "sqlite");
      const now = microsOf(options);
      return write(() => jobs.map((job) => store(job, now)));
    },
    async handOver(job, request, at) {
      const now = microsOf(at);
      return write(() => lease(store(job, now).id, request, now));
    },
    async reserve(request, at) {
      return write(() => {
        const now = microsOf(at);
        const recovered = recover(request.maxRecoveries ?? MAX_RECOVERIES, now);
        return { jobs: claim(request, now), recovered };
      });
    },
    async get(jobId) {
      return get(jobId);
    },
  } satisfies Partial<Driver>;
}

function leaseOperations({ write, leases }: Parts) {
  return {
    async extend(held, leaseMs, at) {
      return write(() => held.flatMap((lease) => leases.extend(lease, leaseMs, microsOf(at)) ?? []));
    },
    async ack(acks, at) {
      return write(() => acks.flatMap((ack) => leases.complete(ack, microsOf(at)) ?? []));
    },
    async retry(lease, request, at) {
      return write(() => throwIfRefused(leases.retry(lease, request, microsOf(at))));
    },
    async fail(lease, request, at) {
      return write(() => throwIfRefused(leases.fail(lease, request, microsOf(at))));
    },
    async release(held, at) {
      return write(() => {
        for (const lease of held) leases.release(lease, microsOf(at));
      });
    },
  } satisfies Partial<Driver>;
}

function upkeepOperations({ write, cancel, requeue, forget, deadLetters }: Parts) {
  return {
    async cancel(jobId, reason, at) {
      return write(() => cancel(jobId, reason, microsOf(at)));
    },
    async deadLetters(filter, page) {
      return deadLetters(filter, page);
    },
    async requeue(filter, options) {
      return write(() => requeue(filter, options?.keepAttempts ?? false, microsOf(options)));
    },
    async maintain(retention, at) {
      const now = microsOf(at);
      while (await write(() => forget(retention, now)));
    },
  } satisfies Partial<Driver>;
}

function throwIfRefused(refused: LeaseRefusal | undefined) {
  if (refused !== undefined) throw refused.error;
}
