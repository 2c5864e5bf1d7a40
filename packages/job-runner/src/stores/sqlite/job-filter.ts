import type { JobFilter, JobState } from "../../contract/admin-store.ts";
import type { JobStatus } from "../../contract/driver.ts";
import { instantMicros } from "../../contract/instant.ts";
import { type Bindings, listText } from "./bindings.ts";
import { NEVER } from "./times.ts";

/** Each state is part of a status. */
const STATES: Readonly<Record<JobState, { status: JobStatus; also: string }>> = {
  ready: { status: "queued", also: "run_at <= $now" },
  scheduled: { status: "queued", also: `run_at > $now AND run_at < ${NEVER}` },
  waiting: { status: "queued", also: `run_at = ${NEVER}` },
  running: { status: "running", also: "true" },
  completed: { status: "completed", also: "true" },
  dead: { status: "failed", also: "dlq_reason IS NOT NULL" },
  cancelled: { status: "failed", also: "dlq_reason IS NULL" },
};

/**
 * The index of a status. Named in the statement, because SQLite prefers to scan the ids of all jobs in the requested order to
 * the few rows of an index.
 */
export const JOBS_OF: Readonly<Record<JobStatus, string>> = {
  queued: "jobs INDEXED BY jobs_queued",
  running: "jobs INDEXED BY jobs_lease",
  failed: "jobs INDEXED BY jobs_failed",
  completed: "jobs",
};

export type FilterSql = {
  readonly from: string;
  readonly condition: string;
  readonly values: Bindings;
};

/** The filter as a condition on `jobs`, with its parameters. */
export function filterSql(filter: JobFilter, now: bigint): FilterSql {
  const { states, queue, exceptQueue, type, ids, concurrencyKey, createdAfter, createdBefore } = filter;
  const byStatus = Map.groupBy(new Set(states), (state) => STATES[state].status);
  const conditions = states === undefined ? [] : [statesSql(byStatus)];
  const values: Record<string, Bindings[string]> = {};
  function add(condition: string, name: string, value: Bindings[string]) {
    conditions.push(condition);
    values[name] = value;
  }
  if (states?.some((state) => STATES[state].also.includes("$now"))) values["now"] = now;
  if (queue !== undefined) add("queue = $queue", "queue", queue);
  if (exceptQueue !== undefined) add("queue <> $exceptQueue", "exceptQueue", exceptQueue);
  if (type !== undefined) add("type = $type", "type", type);
  if (ids !== undefined)
    add("id IN (SELECT CAST(value AS INTEGER) FROM json_each($ids))", "ids", listText(ids));
  if (concurrencyKey !== undefined)
    add("concurrency_key = $concurrencyKey", "concurrencyKey", concurrencyKey);
  if (createdAfter !== undefined) add("created_at > $after", "after", instantMicros(createdAfter));
  if (createdBefore !== undefined) add("created_at < $before", "before", instantMicros(createdBefore));
  const [only, ...others] = byStatus.keys();
  const isNarrow = only !== undefined && others.length === 0 && ids === undefined;
  return { from: isNarrow ? JOBS_OF[only] : "jobs", condition: conditions.join(" AND ") || "true", values };
}

/** The condition of a single status is written without OR, so that its partial index can be used. */
function statesSql(byStatus: ReadonlyMap<JobStatus, readonly JobState[]>): string {
  const alternatives = [...byStatus].map(([status, states]) => {
    const either = states.map((state) => `(${STATES[state].also})`).join(" OR ");
    return `status = '${status}' AND (${either})`;
  });
  if (alternatives.length < 2) return alternatives[0] ?? "false";
  return `(${alternatives.map((alternative) => `(${alternative})`).join(" OR ")})`;
}
