import type { Lease, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { idArray, milliseconds, timeOf } from "./fragments.ts";

/**
 * Moves the expiry of every lease that still holds, in one statement. A row that another statement has locked (an
 * ack, say) comes back with `extended` false: waiting for several rows here could deadlock. The tokens are a set,
 * not pairs with the ids: a job under another token of the same caller is the caller's just as well.
 */
export function extendLeases(
  sql: PostgresClient,
  leases: readonly Lease[],
  leaseMs: number,
  now: Instant | undefined,
): Query<
  {
    id: string;
    lease_token: string;
    extended: boolean;
  }[]
> {
  const at = timeOf(sql, now);
  const held = sql`id = ANY (${idArray(leases.map((lease) => lease.jobId))}::bigint[]) AND lease_token = ANY (${idArray([...new Set(leases.map((lease) => lease.token))])}::uuid[])
    AND lease_expires_at > ${at}`;
  return sql<{ id: string; lease_token: string; extended: boolean }[]>`
    WITH extended AS (
      UPDATE jobs SET heartbeat_at = ${at}, lease_expires_at = ${at} + ${milliseconds(sql, leaseMs)}, updated_at = ${at}
      WHERE id = ANY (ARRAY(SELECT id FROM jobs WHERE ${held} FOR UPDATE SKIP LOCKED)) AND ${held}
      RETURNING id
    )
    SELECT id, lease_token, id IN (SELECT id FROM extended) AS extended FROM jobs WHERE ${held}`;
}

/** Moves the expiry of one lease, behind whoever has its row locked; no row: the lease does not hold. */
export function extendLease(
  sql: PostgresClient,
  lease: Lease,
  leaseMs: number,
  now: Instant | undefined,
): Query<
  {
    id: string;
  }[]
> {
  const at = timeOf(sql, now);
  return sql<{ id: string }[]>`
    UPDATE jobs SET heartbeat_at = ${at}, lease_expires_at = ${at} + ${milliseconds(sql, leaseMs)}, updated_at = ${at}
    WHERE id = ${lease.jobId}::bigint AND lease_token = ${lease.token}::uuid
      AND lease_expires_at > ${at}
    RETURNING id`;
}
