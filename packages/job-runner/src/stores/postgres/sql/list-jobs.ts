import { COUNT_MAX, type JobFilter, type JobPage } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import type { Instant } from "../../../contract/instant.ts";
import type { JobSummaryRow } from "../../job-row.ts";
import type { Query } from "./fragments.ts";
import { matchesFilter } from "./match-jobs.ts";
import { summaryColumns } from "./select-jobs.ts";

/** A page of jobs, newest first: a backward scan of the ids of each table, merged. */
export function listJobs(
  sql: PostgresClient,
  filter: JobFilter,
  page: JobPage,
  now: Instant | undefined,
): Query<JobSummaryRow[]> {
  const before = page.before === undefined ? sql`` : sql`AND id < ${page.before}::bigint`;
  return sql<JobSummaryRow[]>`
    SELECT ${summaryColumns(sql)} FROM all_jobs WHERE ${matchesFilter(sql, filter, now)} ${before}
    ORDER BY all_jobs.id DESC LIMIT ${page.limit}::integer`;
}

/** The number of matching jobs, of which at most COUNT_MAX + 1 are counted. */
export function countJobs(
  sql: PostgresClient,
  filter: JobFilter,
  now: Instant | undefined,
): Query<{ count: number }[]> {
  return sql<{ count: number }[]>`
    SELECT count(*)::integer AS count FROM (
      SELECT FROM all_jobs WHERE ${matchesFilter(sql, filter, now)} LIMIT ${COUNT_MAX + 1}::integer
    ) AS found`;
}

/** Running jobs, longest first. The condition on the expiry selects the index of running jobs, for any statistics. */
export function listRunningJobs(sql: PostgresClient, limit: number): Query<JobSummaryRow[]> {
  return sql<JobSummaryRow[]>`
    SELECT ${summaryColumns(sql)} FROM (
      SELECT *, NULL::timestamptz AS completed_at FROM jobs
      WHERE status = 'running' AND lease_expires_at > '-infinity' ORDER BY locked_at, id LIMIT ${limit}::integer
    ) AS running ORDER BY running.locked_at, running.id`;
}
