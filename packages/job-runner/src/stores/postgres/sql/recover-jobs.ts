import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

const RECOVER_BATCH = 500;

export type Recovery = {
  readonly queue: string;
  readonly maxRecoveries: number;
  /** Leases that ended, and parked jobs that were due, before this were checked already; null: check all. */
  readonly since: string | null;
  readonly now: Instant | undefined;
};

/**
 * Recovers jobs with expired leases of every queue, frees keys of deleted jobs, and moves due parked keyed jobs to the index of the
 * claim. Runs before each claim, so it is only four index probes when there is nothing to do: a scalar subquery and an ORDER BY …
 * LIMIT 1 instead of EXISTS, which the planner turned into scans of the table. `keyed`: the queue has waiting jobs with a
 * concurrency key; only then the claim checks them.
 */
export function recoverJobs(
  sql: PostgresClient,
  recovery: Recovery,
): Query<
  {
    requeued: number;
    dead: number;
    keyed: boolean;
    probed_at: string;
  }[]
> {
  const at = timeOf(sql, recovery.now);
  const { since } = recovery;
  const dead = sql`recoveries >= ${recovery.maxRecoveries}::integer`;
  return sql<{ requeued: number; dead: number; keyed: boolean; probed_at: string }[]>`
    WITH recovered AS (
      UPDATE jobs SET status = CASE WHEN ${dead} THEN 'failed' ELSE 'queued' END,
        recoveries = recoveries + 1, run_at = LEAST(run_at, ${at}), updated_at = ${at},
        lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL, locked_at = NULL, locked_by = NULL,
        failed_at = CASE WHEN ${dead} THEN ${at} END,
        failure_kind = CASE WHEN ${dead} THEN 'lease_expired' END,
        dlq_reason = CASE WHEN ${dead} THEN 'lease_expired' END,
        dlq_failed_at = CASE WHEN ${dead} THEN ${at} END
      WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM jobs
        WHERE status = 'running' AND lease_expires_at <= ${at}
          ${since === null ? sql`` : sql`AND lease_expires_at > ${since}::text::timestamptz`}
        ORDER BY lease_expires_at LIMIT ${RECOVER_BATCH} FOR UPDATE SKIP LOCKED))
      RETURNING status, concurrency_key
    ),
    unparked AS (
      UPDATE jobs SET updated_at = ${at} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM jobs
        WHERE concurrency_key IS NOT NULL AND status = 'queued' AND run_at > updated_at AND run_at <= ${at}
          ${since === null ? sql`` : sql`AND run_at > ${since}::text::timestamptz`}
        ORDER BY run_at LIMIT ${RECOVER_BATCH} FOR UPDATE SKIP LOCKED))
      RETURNING id
    ),
    orphaned AS (
      DELETE FROM job_concurrency_locks WHERE job_id = ANY (ARRAY(
        SELECT held.job_id FROM job_concurrency_locks AS held
        WHERE COALESCE((SELECT status FROM jobs WHERE jobs.id = held.job_id), 'gone') <> 'running'
        FOR UPDATE SKIP LOCKED))
    )
    SELECT count(*) FILTER (WHERE status = 'queued')::integer AS requeued,
      count(*) FILTER (WHERE status = 'failed')::integer AS dead,
      COALESCE(bool_or(concurrency_key IS NOT NULL), false) OR EXISTS (SELECT FROM unparked) OR (
        SELECT concurrency_key FROM jobs
        WHERE queue = ${recovery.queue} AND status = 'queued' AND run_at <= updated_at AND concurrency_key > ''
        ORDER BY concurrency_key LIMIT 1
      ) IS NOT NULL AS keyed,
      (${at})::text AS probed_at
    FROM recovered`;
}
