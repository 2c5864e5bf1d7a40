import {
  type AdminStore,
  type BoundedCount,
  COUNT_MAX,
  type JobFilter,
  type QueueStats,
} from "../../contract/admin-store.ts";
import type { PostgresClient } from "../../contract/driver.ts";
import type { Instant } from "../../contract/instant.ts";
import { one } from "../../contract/one.ts";
import { toJobSummary } from "../job-row.ts";
import { toReserved } from "./reserve.ts";
import { cancelJobs } from "./sql/cancel-jobs.ts";
import { countJobs, listJobs, listRunningJobs } from "./sql/list-jobs.ts";
import { listWorkers } from "./sql/list-workers.ts";
import { pauseQueue, resumeQueue } from "./sql/pause-queue.ts";
import { type QueueStatsRow, queueStats } from "./sql/queue-stats.ts";
import { removeJobs } from "./sql/remove-jobs.ts";
import { requeueJobs } from "./sql/requeue-jobs.ts";
import { rescheduleJob } from "./sql/reschedule-job.ts";
import { reserveJob } from "./sql/reserve-job.ts";
import { snapshotHolders } from "./sql/snapshot-holders.ts";

/** Jobs changed per statement: a million at once would hold their locks for minutes. */
const BULK_BATCH = 5000;
const REQUEUED_BY_DEFAULT = ["dead"] as const;

/** Operations of operators on Postgres. */
export function postgresAdmin(sql: PostgresClient): AdminStore {
  return {
    list: async (filter, page, at) => (await listJobs(sql, filter, page, at?.now)).map(toJobSummary),
    count: async (filter, at) => bounded(one(await countJobs(sql, filter, at?.now)).count),
    cancelAll: (filter, reason, at) => cancelAll(sql, filter, reason, at?.now),
    requeue: (filter, options) => requeue(sql, filter, options?.keepAttempts ?? false, options?.now),
    remove: (filter, at) => remove(sql, filter, at?.now),
    async reschedule(jobId, change, at) {
      return (await rescheduleJob(sql, jobId, change, at?.now)).length > 0;
    },
    async reserveOne(jobId, request, at) {
      const token = crypto.randomUUID();
      const [row] = await reserveJob(sql, jobId, { ...request, token }, at?.now);
      return row && toReserved(row, { token, queue: row.queue });
    },
    queueStats: async (alsoQueues = [], at) => (await queueStats(sql, alsoQueues, at?.now)).map(toQueueStats),
    async pauseQueue(queue, reason, at) {
      return (await pauseQueue(sql, queue, reason, at?.now)).length > 0;
    },
    async resumeQueue(queue) {
      return (await resumeQueue(sql, queue)).length > 0;
    },
    runningJobs: async (limit) => (await listRunningJobs(sql, limit)).map(toJobSummary),
    async workers() {
      return (await listWorkers(sql)).map((row) => ({
        workerId: row.worker_id,
        jobs: bounded(row.jobs),
        oldestLockedAt: row.locked_at,
        lastHeartbeatAt: row.heartbeat_at,
      }));
    },
    snapshotHolders: (olderThanMs) => snapshotHolders(sql, olderThanMs),
  };
}

async function cancelAll(sql: PostgresClient, filter: JobFilter, reason: string, now: Instant | undefined) {
  const ids: string[] = [];
  for (;;) {
    const rows = await cancelJobs(sql, filter, { reason, limit: BULK_BATCH, now });
    for (const { id } of rows) ids.push(id);
    if (rows.length < BULK_BATCH) return ids;
  }
}

async function requeue(
  sql: PostgresClient,
  filter: JobFilter,
  keepAttempts: boolean,
  now: Instant | undefined,
) {
  const failed = { ...filter, states: filter.states ?? REQUEUED_BY_DEFAULT };
  let total = 0;
  for (;;) {
    const [row] = await requeueJobs(sql, failed, { keepAttempts, limit: BULK_BATCH, now });
    const count = row?.count ?? 0;
    total += count;
    if (count < BULK_BATCH) return total;
  }
}

async function remove(sql: PostgresClient, filter: JobFilter, now: Instant | undefined) {
  for (let total = 0; ; ) {
    const [row] = await removeJobs(sql, filter, { limit: BULK_BATCH, now });
    total += row?.count ?? 0;
    if (row?.more !== true) return total;
  }
}

function toQueueStats(row: QueueStatsRow): QueueStats {
  return {
    queue: row.queue,
    ready: bounded(row.ready),
    scheduled: bounded(row.scheduled),
    waiting: bounded(row.waiting),
    running: bounded(row.running),
    dead: bounded(row.dead),
    oldestReadyMs: row.oldest_ready_ms,
    completedPerSecond: row.completed_per_second,
    pausedAt: row.paused_at,
    pauseReason: row.reason,
  };
}

function bounded(count: number): BoundedCount {
  return { count: Math.min(count, COUNT_MAX), isCapped: count > COUNT_MAX };
}
