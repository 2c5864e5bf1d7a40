import type { Lease, PostgresClient } from "../drivers/driver.ts";
import type { Instant } from "../instant.ts";
import { idArray, timeOf } from "./fragments.ts";

/** Gives back jobs that were claimed and never started, runnable at once, in the place that they had. */
export function releaseJobs(sql: PostgresClient, leases: readonly Lease[], now: Instant | undefined) {
  const at = timeOf(sql, now);
  return sql`
    UPDATE jobs SET status = 'queued', run_at = LEAST(run_at, ${at}), lease_token = NULL, lease_expires_at = NULL,
      heartbeat_at = NULL, locked_at = NULL, locked_by = NULL, updated_at = ${at}
    WHERE id = ANY (ARRAY(
      SELECT id FROM jobs
      WHERE id = ANY (${idArray(leases.map((lease) => lease.jobId))}::bigint[]) AND lease_token = ANY (${idArray([...new Set(leases.map((lease) => lease.token))])}::uuid[])
      ORDER BY id FOR UPDATE SKIP LOCKED))`;
}
