import type { Database } from "bun:sqlite";
import { COUNT_MAX, type JobChange, type JobFilter, type WorkerSummary } from "../../contract/admin-store.ts";
import type { Bindings } from "./bindings.ts";
import { filterSql, JOBS_OF } from "./job-filter.ts";
import { LEASE_ENDED, UNLOCKED } from "./leases.ts";
import { bounded } from "./queue-stats.ts";
import { isoText, NEVER, runAtOf } from "./times.ts";

/** Jobs changed per transaction: more would block the event loop. */
export const BULK_BATCH = 1000;
const ENDED_OR_WAITING = ["queued", "failed", "completed"] as const;
const LIVE = ["queued", "running"] as const;

export type Administration = {
  reschedule(jobId: string, { runAt, priority }: JobChange, now: bigint): boolean;
  workers(): WorkerSummary[];
  pause(queue: string, reason: string | null, now: bigint): boolean;
  resume(queue: string): boolean;
  isPaused(queue: string): boolean;
  /** Queued, not waiting for an event, and with a free slot of its concurrency key. */
  canRun(jobId: string): boolean;
  cancelBatch: (
    filter: JobFilter,
    reason: string,
    now: bigint,
  ) => {
    ids: string[];
    more: boolean;
  };
  requeueBatch(filter: JobFilter, keepAttempts: boolean, now: bigint): number;
  removeBatch: (
    filter: JobFilter,
    now: bigint,
  ) => {
    count: number;
    more: boolean;
  };
};

/** Changes of operators, and the list of workers. */
export function createAdministration(db: Database): Administration {
  const rescheduleJob = db.prepare<unknown, Bindings>(`
    UPDATE jobs SET run_at = coalesce($runAt, run_at), priority = coalesce($priority, priority), updated_at = $now
    WHERE id = $jobId AND status = 'queued' AND run_at < ${NEVER}`);
  const pause = db.prepare<unknown, Bindings>(`
    INSERT INTO job_queue_pauses (queue, paused_at, reason) VALUES ($queue, $now, $reason) ON CONFLICT DO NOTHING`);
  const resume = db.prepare<unknown, Bindings>("DELETE FROM job_queue_pauses WHERE queue = $queue");
  const paused = db.prepare<unknown, Bindings>("SELECT 1 FROM job_queue_pauses WHERE queue = $queue");
  const runnable = db.prepare<unknown, Bindings>(`
    SELECT 1 FROM jobs WHERE id = $jobId AND status = 'queued' AND run_at < ${NEVER} AND (concurrency_key IS NULL
      OR concurrency_limit > (SELECT count(*) FROM jobs AS other
        WHERE other.status = 'running' AND other.concurrency_key = jobs.concurrency_key))`);
  const workers = createWorkers(db);

  function reschedule(jobId: string, { runAt, priority }: JobChange, now: bigint): boolean {
    const due = runAt === undefined ? null : runAtOf({ runAt }, now);
    return rescheduleJob.run({ jobId, runAt: due, priority: priority ?? null, now }).changes > 0;
  }

  return {
    ...createBulkChanges(db),
    reschedule,
    workers,
    pause: (queue: string, reason: string | null, now: bigint) =>
      pause.run({ queue, reason, now }).changes > 0,
    resume: (queue: string) => resume.run({ queue }).changes > 0,
    isPaused: (queue: string) => paused.get({ queue }) !== null,
    /** Queued, not waiting for an event, and with a free slot of its concurrency key. */
    canRun: (jobId: string) => runnable.get({ jobId }) !== null,
  };
}

/** Each changes a batch of matching jobs; to be called again while the batch is full. */
function createBulkChanges(db: Database) {
  function cancelBatch(filter: JobFilter, reason: string, now: bigint): { ids: string[]; more: boolean } {
    const { condition, values } = filterSql(filter, now);
    const batches = LIVE.map((status) => {
      const cancel = db.query<{ id: string }, Bindings>(`
        UPDATE jobs SET status = 'failed', run_at = min(run_at, $now), failure_kind = 'cancelled', failed_at = $now,
          last_error = $reason, ${LEASE_ENDED}, ${UNLOCKED}
        WHERE id IN (SELECT id FROM ${JOBS_OF[status]} WHERE status = '${status}' AND ${condition} LIMIT ${BULK_BATCH})
        RETURNING CAST(id AS TEXT) AS id`);
      return cancel.all({ ...values, reason, now }).map(({ id }) => id);
    });
    return { ids: batches.flat(), more: batches.some((ids) => ids.length === BULK_BATCH) };
  }

  function requeueBatch(filter: JobFilter, keepAttempts: boolean, now: bigint): number {
    const { condition, values } = filterSql({ ...filter, states: filter.states ?? ["dead"] }, now);
    const requeue = db.query<unknown, Bindings>(`
      UPDATE jobs SET status = 'queued', run_at = $now, recoveries = 0, attempts = iif($keepAttempts, attempts, 0),
        failed_at = NULL, failure_kind = NULL, dlq_reason = NULL, dlq_failed_at = NULL, updated_at = $now
      WHERE id IN (SELECT id FROM ${JOBS_OF.failed} WHERE status = 'failed' AND ${condition} LIMIT ${BULK_BATCH})`);
    return requeue.run({ ...values, keepAttempts: Number(keepAttempts), now }).changes;
  }

  function removeBatch(filter: JobFilter, now: bigint): { count: number; more: boolean } {
    const { condition, values } = filterSql(filter, now);
    const counts = ENDED_OR_WAITING.map((status) => {
      const remove = db.query<unknown, Bindings>(`
        DELETE FROM jobs
        WHERE id IN (SELECT id FROM ${JOBS_OF[status]} WHERE status = '${status}' AND ${condition} LIMIT ${BULK_BATCH})`);
      return remove.run(values).changes;
    });
    return { count: counts.reduce((sum, count) => sum + count), more: counts.includes(BULK_BATCH) };
  }

  return { cancelBatch, requeueBatch, removeBatch };
}

function createWorkers(db: Database) {
  const select = db.prepare<
    { worker_id: string; jobs: number; locked_at: string; heartbeat_at: string },
    Bindings
  >(`
    SELECT worker_id, jobs, ${isoText("locked_at")}, ${isoText("heartbeat_at")} FROM (
      SELECT locked_by AS worker_id, count(*) AS jobs, min(locked_at) AS locked_at, max(heartbeat_at) AS heartbeat_at
      FROM (SELECT locked_by, locked_at, heartbeat_at FROM jobs WHERE status = 'running'
        ORDER BY lease_expires_at LIMIT ${COUNT_MAX + 1})
      GROUP BY locked_by) ORDER BY worker_id`);

  return function workers(): WorkerSummary[] {
    return select.all({}).map((row) => ({
      workerId: row.worker_id,
      jobs: bounded(row.jobs),
      oldestLockedAt: row.locked_at,
      lastHeartbeatAt: row.heartbeat_at,
    }));
  };
}
