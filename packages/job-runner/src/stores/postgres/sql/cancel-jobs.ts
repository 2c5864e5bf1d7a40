import type { JobFilter } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import { CANCELLED_CHANNEL } from "./cancel-job.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";
import { matchesLiveFilter } from "./match-jobs.ts";

/** Cancels up to `limit` queued and running jobs, and notifies the workers of running ones. */
export function cancelJobs(
  sql: PostgresClient,
  filter: JobFilter,
  options: { reason: string; limit: number; now: Instant | undefined },
): Query<
  {
    id: string;
  }[]
> {
  const { reason, limit, now } = options;
  const at = timeOf(sql, now);
  return sql<{ id: string }[]>`
    WITH found AS MATERIALIZED (
      SELECT id, status FROM jobs WHERE status IN ('queued', 'running') AND ${matchesLiveFilter(sql, filter, now)}
      ORDER BY id LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED
    ),
    cancelled AS (
      UPDATE jobs SET status = 'failed', failure_kind = 'cancelled', failed_at = ${at}, last_error = ${reason},
        lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL, locked_at = NULL, locked_by = NULL,
        updated_at = ${at}
      WHERE id = ANY (ARRAY(SELECT id FROM found))
    )
    SELECT id, CASE WHEN status = 'running' THEN pg_notify(${CANCELLED_CHANNEL}, id::text) END FROM found`;
}
