import type { Lease, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import { RUNNABLE_CHANNEL } from "./enqueue-jobs.ts";
import type { Fragment } from "./fragments.ts";
import { idArray, timeOf } from "./fragments.ts";

/**
 * Releases jobs that were claimed and never started, runnable immediately and with their old order, and wakes other processes.
 * Waits for a lease that is being extended: otherwise the job would wait until the lease ends.
 */
export function releaseJobs(
  sql: PostgresClient,
  leases: readonly Lease[],
  now: Instant | undefined,
): Fragment {
  const at = timeOf(sql, now);
  const ids = idArray(leases.map((lease) => lease.jobId));
  const tokens = idArray([...new Set(leases.map((lease) => lease.token))]);
  return sql`
    WITH released AS (
      UPDATE jobs SET status = 'queued', run_at = LEAST(run_at, ${at}), lease_token = NULL, lease_expires_at = NULL,
        heartbeat_at = NULL, locked_at = NULL, locked_by = NULL, updated_at = ${at}
      WHERE id = ANY (ARRAY(
        SELECT id FROM jobs WHERE id = ANY (${ids}::bigint[]) AND lease_token = ANY (${tokens}::uuid[])
        ORDER BY id FOR UPDATE))
      RETURNING queue
    )
    SELECT count(pg_notify(${RUNNABLE_CHANNEL}, queue)) FROM (SELECT DISTINCT queue FROM released) AS queues`;
}
