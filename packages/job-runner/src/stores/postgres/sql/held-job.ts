import type { Lease, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Fragment } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

/**
 * The job's row if the lease holds, locked until the statement has committed: nobody can take the job while something is
 * written in its name.
 */
export function heldJob(sql: PostgresClient, lease: Lease, now: Instant | undefined): Fragment {
  return sql`SELECT id, created_at FROM jobs
    WHERE id = ${lease.jobId}::bigint AND lease_token = ${lease.token}::uuid AND lease_expires_at > ${timeOf(sql, now)}
    FOR UPDATE`;
}
