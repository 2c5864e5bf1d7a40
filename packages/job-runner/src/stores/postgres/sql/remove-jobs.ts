import type { JobFilter } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { Query } from "./fragments.ts";
import { matchesFilter, matchesLiveFilter } from "./match-jobs.ts";

/**
 * Deletes up to `limit` matching jobs of each table that are not running, with their steps, log and attempts; returns their
 * number. `more`: call it again.
 */
export function removeJobs(
  sql: PostgresClient,
  filter: JobFilter,
  options: { limit: number; now: Instant | undefined },
): Query<
  {
    count: number;
    more: boolean;
  }[]
> {
  const { limit, now } = options;
  return sql<{ count: number; more: boolean }[]>`
    WITH live AS (
      DELETE FROM jobs WHERE id = ANY (ARRAY(
        SELECT id FROM jobs WHERE status IN ('queued', 'failed') AND ${matchesLiveFilter(sql, filter, now)}
        ORDER BY id LIMIT ${limit}::integer FOR UPDATE SKIP LOCKED))
      RETURNING id
    ),
    archived AS (
      DELETE FROM jobs_archive WHERE id = ANY (ARRAY(
        SELECT id FROM all_jobs WHERE completed_at IS NOT NULL AND ${matchesFilter(sql, filter, now)}
        ORDER BY all_jobs.id LIMIT ${limit}::integer))
      RETURNING id
    ),
    removed AS MATERIALIZED (SELECT id FROM live UNION ALL SELECT id FROM archived),
    steps AS (DELETE FROM job_steps WHERE job_id = ANY (ARRAY(SELECT id FROM removed))),
    lines AS (DELETE FROM job_logs WHERE job_id = ANY (ARRAY(SELECT id FROM removed))),
    attempts AS (DELETE FROM job_attempts WHERE job_id = ANY (ARRAY(SELECT id FROM removed)))
    SELECT count(*)::integer AS count,
      GREATEST((SELECT count(*) FROM live), (SELECT count(*) FROM archived)) = ${limit}::integer AS more
    FROM removed`;
}
