import type { PostgresClient } from "../../../contract/driver.ts";
import { behind, type Claim, type ClaimedRow, claimedColumns, leaseColumns, runnable } from "./claim-jobs.ts";
import type { Query } from "./fragments.ts";

/** Concurrency keys checked per claim. If more are waiting, the next claim continues after the last of them. */
const KEYS_PER_CLAIM = 500;

export type KeyedClaim = {
  /** Check concurrency keys after this one; empty: from the first. */
  readonly afterKey: string;
} & Claim;

export type KeyedClaimRow = { next_key: string | null } & (ClaimedRow | { [K in keyof ClaimedRow]: null });

/**
 * Claims runnable jobs with and without keys, in order. Keys with ready jobs are found by a loose index scan of
 * jobs_claim_keyed_ready (one probe per key, for any number of jobs). Each key offers as many jobs as it has free slots by the
 * limit of its first job, up to one with a smaller limit. The primary key of job_concurrency_locks decides: a claim that loses
 * a slot to another gets no job, without an error or a wait. Slots are inserted in sorted order, so that two claims cannot
 * deadlock. Returns at least one row; a row without id contains only `next_key`.
 */
export function claimKeyedJobs(sql: PostgresClient, claim: KeyedClaim): Query<KeyedClaimRow[]> {
  return sql<KeyedClaimRow[]>`
    WITH RECURSIVE ${waitingKeys(sql, claim)},
    candidate AS MATERIALIZED (
      SELECT * FROM (
        SELECT * FROM (
          SELECT id, priority, run_at, NULL::text COLLATE "C" AS concurrency_key, NULL::smallint AS slot
          FROM jobs WHERE concurrency_key IS NULL AND ${runnable(sql, claim)} ${behind(sql, claim.after)}
            ${advisoryLock(sql, claim)}
          ORDER BY priority, run_at, id LIMIT ${claim.limit}::integer FOR UPDATE SKIP LOCKED
        ) AS unkeyed
        UNION ALL
        SELECT id, priority, run_at, concurrency_key, slot FROM (
          SELECT keyed.id, keyed.priority, keyed.run_at, free.concurrency_key, free.slots[row_number() OVER line] AS slot,
            bool_and(keyed.concurrency_limit >= free.concurrency_limit) OVER line AS fits
          FROM free CROSS JOIN LATERAL (
            SELECT id, priority, run_at, concurrency_limit FROM jobs
            WHERE concurrency_key = free.concurrency_key AND run_at <= updated_at AND ${runnable(sql, claim)}
              ${advisoryLock(sql, claim)}
            ORDER BY priority, run_at, id LIMIT free.capacity FOR UPDATE SKIP LOCKED
          ) AS keyed
          WINDOW line AS (PARTITION BY free.concurrency_key ORDER BY keyed.priority, keyed.run_at, keyed.id)
        ) AS in_line WHERE fits
      ) AS either ORDER BY priority, run_at, id LIMIT ${claim.limit}::integer
    ),
    locked AS (
      INSERT INTO job_concurrency_locks (concurrency_key, slot, job_id, locked_at)
      SELECT concurrency_key, slot, id, now() FROM candidate WHERE slot IS NOT NULL ORDER BY concurrency_key, slot
      ON CONFLICT DO NOTHING RETURNING job_id
    ),
    claimed AS (
      UPDATE jobs SET ${leaseColumns(sql, claim)}
      WHERE id = ANY (ARRAY(SELECT id FROM candidate WHERE slot IS NULL UNION ALL SELECT job_id FROM locked))
      RETURNING ${claimedColumns(sql, claim)}
    )
    SELECT seen.next_key, claimed.* FROM (
      SELECT CASE WHEN count(*) = ${KEYS_PER_CLAIM} THEN max(concurrency_key) END AS next_key FROM key
    ) AS seen LEFT JOIN claimed ON true`;
}

/** Jobs of the index jobs_claim_keyed_ready, to which the recovery before the claim moves due jobs. */
function ready(sql: PostgresClient, claim: Claim) {
  return sql`queue = ${claim.queue} AND status = 'queued' AND run_at <= updated_at`;
}

/** `key`: keys with ready jobs. `free`: those with free slots, and the numbers of the slots. */
function waitingKeys(sql: PostgresClient, claim: KeyedClaim) {
  return sql`
    walk (concurrency_key) AS (
      (SELECT concurrency_key FROM jobs
        WHERE ${ready(sql, claim)} AND concurrency_key > ${claim.afterKey}
        ORDER BY concurrency_key LIMIT 1)
      UNION ALL
      SELECT (SELECT jobs.concurrency_key FROM jobs
        WHERE ${ready(sql, claim)} AND jobs.concurrency_key > walk.concurrency_key
        ORDER BY jobs.concurrency_key LIMIT 1)
      FROM walk WHERE walk.concurrency_key IS NOT NULL
    ),
    key AS MATERIALIZED (
      SELECT concurrency_key FROM walk WHERE concurrency_key IS NOT NULL LIMIT ${KEYS_PER_CLAIM}
    ),
    free AS MATERIALIZED (
      SELECT key.concurrency_key, head.concurrency_limit, open.slots,
        LEAST(cardinality(open.slots), head.concurrency_limit - cardinality(held.slots)) AS capacity
      FROM key
      CROSS JOIN LATERAL (
        SELECT concurrency_limit FROM jobs
        WHERE ${ready(sql, claim)} AND jobs.concurrency_key = key.concurrency_key
        ORDER BY priority, run_at, id LIMIT 1
      ) AS head
      CROSS JOIN LATERAL (
        SELECT ARRAY(SELECT slot FROM job_concurrency_locks AS lock
          WHERE lock.concurrency_key = key.concurrency_key) AS slots
      ) AS held
      CROSS JOIN LATERAL (
        SELECT ARRAY(SELECT slot::smallint FROM generate_series(1, head.concurrency_limit) AS slot
          WHERE slot <> ALL (held.slots)) AS slots
      ) AS open
      WHERE cardinality(held.slots) < head.concurrency_limit
    )`;
}

function advisoryLock(sql: PostgresClient, claim: Claim) {
  return claim.byAdvisoryLock ? sql`AND pg_try_advisory_xact_lock(id)` : sql``;
}
