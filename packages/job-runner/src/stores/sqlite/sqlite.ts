import type { Driver } from "../../contract/driver.ts";
import { UnsupportedByDriverError } from "../../contract/errors.ts";
import { checkedDriver } from "../checked-driver.ts";
import { adminOperations } from "./admin-operations.ts";
import { durableOperations, scheduleOperations } from "./durable-operations.ts";
import { BUSY_TIMEOUT_MS, openDatabase } from "./open-database.ts";
import { createParts, type Parts, throwIfRefused } from "./parts.ts";
import { microsOf } from "./times.ts";

const MAX_RECOVERIES = 5;

export type SqliteDriverOptions = {
  /** How long a write waits for the write of another process, which blocks this process. Default 5000. */
  readonly busyTimeoutMs?: number;
};

/**
 * Keeps jobs in one file, for one process. Each operation is one transaction, so that a second process on the same machine
 * is safe: it sees the same jobs, but is not woken by them and waits while the other writes.
 */
export function createSqliteDriver(
  path: string,
  options: SqliteDriverOptions = {},
): Driver & { close(): Promise<void> } {
  const db = openDatabase(path, options.busyTimeoutMs ?? BUSY_TIMEOUT_MS);
  const parts = createParts(db);
  return checkedDriver({
    name: "sqlite",
    isSequential: true,
    ...queueOperations(parts),
    ...leaseOperations(parts),
    ...maintenanceOperations(parts),
    ...durableOperations(parts),
    ...scheduleOperations(parts),
    ...adminOperations(parts),
    async close() {
      parts.flush();
      db.close();
    },
  });
}

function queueOperations({ write, store, claim, lease, maintenance, administration, select }: Parts) {
  return {
    async enqueue(jobs, options) {
      if (options?.transaction) throw new UnsupportedByDriverError("A transaction", "sqlite");
      return write(() => {
        const now = microsOf(options);
        return jobs.map((job) => store(job, now));
      });
    },
    async handOver(job, request, at) {
      return write(() => {
        if (administration.isPaused(job.queue)) return undefined;
        const now = microsOf(at);
        return lease(store(job, now).id, request, now);
      });
    },
    async reserve(request, at) {
      return write(() => {
        const now = microsOf(at);
        const recovered = maintenance.recover(request.maxRecoveries ?? MAX_RECOVERIES, now);
        const jobs = administration.isPaused(request.queue) ? [] : claim(request, now);
        return { jobs, recovered };
      });
    },
    async get(jobId) {
      return select.get(jobId);
    },
  } satisfies Partial<Driver>;
}

function leaseOperations({ write, leases }: Parts) {
  return {
    async extend(held, leaseMs, at) {
      return write(() => {
        const now = microsOf(at);
        return held.flatMap((lease) => leases.extend(lease, leaseMs, now) ?? []);
      });
    },
    async ack(acks, at) {
      return write(() => {
        const now = microsOf(at);
        return acks.flatMap((ack) => leases.complete(ack, now) ?? []);
      });
    },
    async retry(lease, request, at) {
      return write(() => throwIfRefused(leases.retry(lease, request, microsOf(at))));
    },
    async fail(lease, request, at) {
      return write(() => throwIfRefused(leases.fail(lease, request, microsOf(at))));
    },
    async release(held, at) {
      return write(() => {
        const now = microsOf(at);
        for (const lease of held) leases.release(lease, now);
      });
    },
  } satisfies Partial<Driver>;
}

function maintenanceOperations({ write, maintenance, select }: Parts) {
  return {
    async cancel(jobId, reason, at) {
      return write(() => maintenance.cancel(jobId, reason, microsOf(at)));
    },
    async deadLetters(filter, page) {
      return select.deadLetters(filter, page);
    },
    async maintain(retention, at) {
      const now = microsOf(at);
      while (await write(() => maintenance.forgetBatch(retention, now)));
    },
  } satisfies Partial<Driver>;
}
