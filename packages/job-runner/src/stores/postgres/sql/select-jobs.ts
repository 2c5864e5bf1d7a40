import type { DeadLetterFilter, PostgresClient } from "../../../contract/driver.ts";
import type { JobRow } from "../../job-row.ts";
import type { Fragment, Query } from "./fragments.ts";
import { idArray, isoText, isoValue } from "./fragments.ts";

/** One job, archived or not. */
export function selectJob(sql: PostgresClient, jobId: string): Query<JobRow[]> {
  return sql<JobRow[]>`SELECT ${jobColumns(sql)} FROM all_jobs WHERE id = ${jobId}::bigint`;
}

/** A page of dead letters in the order of their ids. */
export function selectDeadLetters(
  sql: PostgresClient,
  filter: DeadLetterFilter,
  page: { limit: number; after?: string },
): Query<JobRow[]> {
  return sql<JobRow[]>`
    SELECT ${jobColumns(sql)} FROM all_jobs WHERE id IN (
      SELECT id FROM jobs WHERE ${matchesDeadLetter(sql, filter)} AND id > ${page.after ?? "0"}::bigint
      ORDER BY id LIMIT ${page.limit}::integer)
    ORDER BY all_jobs.id`;
}

function matchesDeadLetter(sql: PostgresClient, filter: DeadLetterFilter) {
  return sql`dlq_reason IS NOT NULL
    ${filter.queue === undefined ? sql`` : sql`AND queue = ${filter.queue}`}
    ${filter.type === undefined ? sql`` : sql`AND type = ${filter.type}`}
    ${filter.ids === undefined ? sql`` : sql`AND id = ANY (${idArray(filter.ids)}::bigint[])`}`;
}

function jobColumns(sql: PostgresClient) {
  return sql`${summaryColumns(sql)}, payload, output, lease_token`;
}

/** The columns of a job without payload, output and token. A job that was runnable when it last changed has no run_at. */
export function summaryColumns(sql: PostgresClient): Fragment {
  return sql`id, queue, type, status, priority, 
    CASE WHEN run_at > updated_at THEN ${isoValue(sql, "run_at")} END AS run_at, attempts, max_attempts, recoveries,
    lease_generation, ${isoText(sql, "lease_expires_at")}, ${isoText(sql, "heartbeat_at")},
    ${isoText(sql, "locked_at")}, locked_by, timeout_ms, idempotency_key, concurrency_key, progress, last_error,
    ${isoText(sql, "failed_at")}, failure_kind, dlq_reason, ${isoText(sql, "dlq_failed_at")},
    ${isoText(sql, "created_at")}, ${isoText(sql, "updated_at")}, ${isoText(sql, "completed_at")}`;
}
