import type { Lease, PostgresClient, RetryRequest } from "../../../contract/driver.ts";
import { type Instant, instantText } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { milliseconds, timeOf } from "./fragments.ts";

/** Requeues a running job after a failed attempt; no row: the lease is not valid. */
export function retryJob(
  sql: PostgresClient,
  lease: Lease,
  request: RetryRequest,
  now: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  const at = timeOf(sql, now);
  return sql<{ id: string }[]>`
    UPDATE jobs SET status = 'queued', attempts = attempts + 1, last_error = ${request.error},
      run_at = ${retryAt(sql, request, now)}, lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL,
      locked_at = NULL, locked_by = NULL, updated_at = ${at}
    WHERE id = ${lease.jobId}::bigint AND lease_token = ${lease.token}::uuid
      AND lease_expires_at > ${at}
    RETURNING id`;
}

function retryAt(sql: PostgresClient, request: RetryRequest, now: Instant | undefined) {
  const at = timeOf(sql, now);
  if (request.delayMs) return sql`${at} + ${milliseconds(sql, request.delayMs)}`;
  return request.runAt ? sql`GREATEST(${instantText(request.runAt)}::text::timestamptz, ${at})` : at;
}
