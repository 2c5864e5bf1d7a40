import type { Lease, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Fragment } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

/**
 * The job's row if the lease is valid, locked until the statement commits, so that the job cannot be claimed during a write
 * under its lease.
 */
export function heldJob(sql: PostgresClient, lease: Lease, now: Instant | undefined): Fragment {
  return sql`SELECT id, created_at FROM jobs
    WHERE id = ${lease.jobId}::bigint AND lease_token = ${lease.token}::uuid AND lease_expires_at > ${timeOf(sql, now)}
    FOR UPDATE`;
}
