import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Fragment } from "./fragments.ts";
import { idArray, timeOf } from "./fragments.ts";

export type Completion = {
  readonly token: string;
  readonly ids: readonly string[];
  /** JSON text of an object from id to output; null: no job of the batch has an output. */
  readonly outputs: string | null;
  readonly now: Instant | undefined;
};

/** Moves the jobs with a valid lease to the archive, in one statement; the result's count is their number. */
export function completeJobs(sql: PostgresClient, completion: Completion): Fragment {
  const at = timeOf(sql, completion.now);
  const output =
    completion.outputs === null
      ? sql`NULL::jsonb`
      : sql`(SELECT ${completion.outputs}::text::jsonb) -> done.id::text`;
  return sql`
    WITH done AS (
      DELETE FROM jobs
      WHERE id = ANY (${idArray(completion.ids)}::bigint[]) AND lease_token = ${completion.token}::uuid AND lease_expires_at > ${at}
      RETURNING *
    )
    INSERT INTO jobs_archive (id, queue, type, payload, priority, attempts, max_attempts, recoveries,
      lease_generation, locked_at, locked_by, timeout_ms, idempotency_key, concurrency_key, concurrency_limit,
      progress, last_error, output, created_at, completed_at)
    SELECT id, queue, type, payload, priority, attempts, max_attempts, recoveries, lease_generation, locked_at,
      locked_by, timeout_ms, idempotency_key, concurrency_key, concurrency_limit, progress, last_error,
      ${output}, created_at, ${at}
    FROM done`;
}
