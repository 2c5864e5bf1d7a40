import type { Lease, PostgresClient } from "../drivers/driver.ts";
import type { Instant } from "../instant.ts";
import { idArray, milliseconds, timeOf } from "./fragments.ts";

/**
 * Moves the expiry of every lease that still holds, in one statement. A row that an ack holds at this moment is
 * skipped, not waited for: the two could otherwise deadlock. `id = ANY … AND token = ANY …` also matches a job under
 * another token of the same caller, which is the caller's just as well; the returned token tells which.
 */
export function extendLeases(
  sql: PostgresClient,
  leases: readonly Lease[],
  leaseMs: number,
  now: Instant | undefined,
) {
  const at = timeOf(sql, now);
  const held = sql`id = ANY (${idArray(leases.map((lease) => lease.jobId))}::bigint[]) AND status = 'running'
    AND lease_token = ANY (${idArray([...new Set(leases.map((lease) => lease.token))])}::uuid[])
    AND lease_expires_at > ${at}`;
  return sql<{ id: string; lease_token: string }[]>`
    WITH extended AS (
      UPDATE jobs SET heartbeat_at = ${at}, lease_expires_at = ${at} + ${milliseconds(sql, leaseMs)}, updated_at = ${at}
      WHERE id = ANY (ARRAY(SELECT id FROM jobs WHERE ${held} ORDER BY id FOR UPDATE SKIP LOCKED))
    )
    SELECT id, lease_token FROM jobs WHERE ${held}`;
}
