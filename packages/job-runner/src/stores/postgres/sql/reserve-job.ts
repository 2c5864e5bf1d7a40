import type { ReserveOneRequest } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { ClaimPosition } from "./claim-jobs.ts";
import { type ClaimedRow, claimedColumns, leaseColumns } from "./claim-jobs.ts";
import type { Query } from "./fragments.ts";

/**
 * Claims one queued job by its id. Takes the row lock and the advisory lock, because other processes may claim by either, and
 * a slot of its concurrency key like the keyed claim. No row: not queued, waiting for an event, or no slot is free.
 */
export function reserveJob(
  sql: PostgresClient,
  jobId: string,
  request: ReserveOneRequest & { token: string },
  now: Instant | undefined,
): Query<
  ({
    readonly type: string;
    readonly payload: unknown;
    readonly attempts: number | null;
    readonly max_attempts: number | null;
    readonly recoveries: number | null;
    readonly timeout_ms: number | null;
    readonly concurrency_key: string | null;
    readonly waited_ms: number;
  } & ClaimPosition & {
      queue: string;
    })[]
> {
  const lease = { ...request, now };
  return sql<(ClaimedRow & { queue: string })[]>`
    WITH candidate AS MATERIALIZED (
      SELECT id, concurrency_key, concurrency_limit FROM jobs
      WHERE id = ${jobId}::bigint AND status = 'queued' AND run_at < 'infinity' AND pg_try_advisory_xact_lock(id)
      FOR UPDATE SKIP LOCKED
    ),
    locked AS (
      INSERT INTO job_concurrency_locks (concurrency_key, slot, job_id, locked_at)
      SELECT concurrency_key, slot, id, now() FROM candidate CROSS JOIN LATERAL (
        SELECT slot::smallint FROM generate_series(1, concurrency_limit) AS slot WHERE NOT EXISTS (
          SELECT FROM job_concurrency_locks AS held
          WHERE held.concurrency_key = candidate.concurrency_key AND held.slot = slot.slot)
        LIMIT 1
      ) AS free WHERE concurrency_key IS NOT NULL
      ON CONFLICT DO NOTHING RETURNING job_id
    )
    UPDATE jobs SET ${leaseColumns(sql, lease)}
    WHERE id = ANY (ARRAY(
      SELECT id FROM candidate WHERE concurrency_key IS NULL UNION ALL SELECT job_id FROM locked))
    RETURNING queue, ${claimedColumns(sql, lease)}`;
}
