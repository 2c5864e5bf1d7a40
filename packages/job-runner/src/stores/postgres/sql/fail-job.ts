import type { FailRequest, Lease, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { timeOf } from "./fragments.ts";

/** Makes a running job a dead letter and counts the attempt; no row: the lease is not valid. */
export function failJob(
  sql: PostgresClient,
  lease: Lease,
  request: FailRequest,
  now: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  const at = timeOf(sql, now);
  return sql<{ id: string }[]>`
    UPDATE jobs SET status = 'failed', attempts = attempts + 1, last_error = ${request.error}, failed_at = ${at},
      failure_kind = ${request.kind}, dlq_reason = ${request.reason ?? request.error}, dlq_failed_at = ${at},
      lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL, locked_at = NULL, locked_by = NULL,
      updated_at = ${at}
    WHERE id = ${lease.jobId}::bigint AND lease_token = ${lease.token}::uuid
      AND lease_expires_at > ${at}
    RETURNING id`;
}
