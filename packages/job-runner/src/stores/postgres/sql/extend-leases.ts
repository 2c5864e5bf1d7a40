import type { Lease, PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { idArray, milliseconds, timeOf } from "./fragments.ts";

/**
 * Extends every valid lease, in one statement. A row locked by another statement (such as an ack) is returned with `extended`
 * false: waiting for several rows could deadlock. The tokens are a set, not pairs with the ids: a job under another token of
 * the same caller belongs to this caller as well.
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

/** Extends one lease, after waiting for a lock on its row; no row: the lease is not valid. */
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
