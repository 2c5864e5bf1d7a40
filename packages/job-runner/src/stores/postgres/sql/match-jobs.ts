import type { JobFilter, JobState } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import { type Instant, instantText } from "../../../contract/instant.ts";
import type { Fragment } from "./fragments.ts";
import { idArray, timeOf } from "./fragments.ts";

/** The filter as a condition on `jobs`, which contains no completed jobs. */
export function matchesLiveFilter(
  sql: PostgresClient,
  filter: JobFilter,
  now: Instant | undefined,
): Fragment {
  const states = filter.states?.filter((state) => state !== "completed");
  return matchesFilter(sql, states === undefined ? filter : { ...filter, states }, now);
}

/** The filter as a condition on `all_jobs`. */
export function matchesFilter(sql: PostgresClient, filter: JobFilter, now: Instant | undefined): Fragment {
  const { states, queue, exceptQueue, type, ids, concurrencyKey, createdAfter, createdBefore } = filter;
  return sql`true
    ${states === undefined ? sql`` : sql`AND ${isInStates(sql, states, now)}`}
    ${queue === undefined ? sql`` : sql`AND queue = ${queue}`}
    ${exceptQueue === undefined ? sql`` : sql`AND queue <> ${exceptQueue}`}
    ${type === undefined ? sql`` : sql`AND type = ${type}`}
    ${ids === undefined ? sql`` : sql`AND id = ANY (${idArray(ids)}::bigint[])`}
    ${concurrencyKey === undefined ? sql`` : sql`AND concurrency_key = ${concurrencyKey}`}
    ${createdAfter === undefined ? sql`` : sql`AND created_at > ${instantText(createdAfter)}::text::timestamptz`}
    ${createdBefore === undefined ? sql`` : sql`AND created_at < ${instantText(createdBefore)}::text::timestamptz`}`;
}

/** A single state is written without OR, so that the planner finds its partial index. */
function isInStates(sql: PostgresClient, states: readonly JobState[], now: Instant | undefined) {
  const [first, ...others] = [...new Set(states)];
  if (first === undefined) return sql`false`;
  return others.reduce(
    (either, state) => sql`(${either} OR ${isInState(sql, state, now)})`,
    isInState(sql, first, now),
  );
}

function isInState(sql: PostgresClient, state: JobState, now: Instant | undefined) {
  const at = timeOf(sql, now);
  switch (state) {
    case "ready":
      return sql`(status = 'queued' AND run_at <= ${at})`;
    case "scheduled":
      return sql`(status = 'queued' AND run_at > ${at} AND run_at < 'infinity')`;
    case "waiting":
      return sql`(status = 'queued' AND run_at = 'infinity')`;
    case "dead":
      return sql`(status = 'failed' AND dlq_reason IS NOT NULL)`;
    case "cancelled":
      return sql`(failed_at IS NOT NULL AND dlq_reason IS NULL)`;
    case "running":
      return sql`(status = 'running')`;
    case "completed":
      // Null in every live row of all_jobs, so that the planner skips the table of live jobs.
      return sql`(completed_at IS NOT NULL)`;
  }
}
