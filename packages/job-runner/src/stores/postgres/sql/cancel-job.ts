import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

export const CANCELLED_CHANNEL = "job_runner_cancelled";

/** Cancels a queued or running job, and notifies its worker; no row: it is completed, dead or unknown. */
export function cancelJob(
  sql: PostgresClient,
  jobId: string,
  reason: string,
  now: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  const at = timeOf(sql, now);
  return sql<{ id: string }[]>`
    WITH cancelled AS (
      UPDATE jobs SET status = 'failed', failure_kind = 'cancelled', failed_at = ${at}, last_error = ${reason},
        lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL, locked_at = NULL, locked_by = NULL,
        updated_at = ${at}
      WHERE id = ${jobId}::bigint AND status IN ('queued', 'running')
      RETURNING id
    )
    SELECT id, pg_notify(${CANCELLED_CHANNEL}, id::text) FROM cancelled`;
}
