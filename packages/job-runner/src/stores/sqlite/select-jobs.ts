import type { Database } from "bun:sqlite";
import { COUNT_MAX, type JobFilter, type JobPage, type JobSummary } from "../../contract/admin-store.ts";
import type { DeadLetterFilter, JobRecord } from "../../contract/driver.ts";
import { type JobRow, type JobSummaryRow, toJobRecord, toJobSummary } from "../job-row.ts";
import type { Bindings } from "./bindings.ts";
import { filterSql } from "./job-filter.ts";
import { isoText, isoValue } from "./times.ts";

/** Rows of SQLite, with JSON as text. */
type StoredSummary = Omit<JobSummaryRow, "progress"> & { progress: string | null };
type StoredRow = Omit<JobRow, "payload" | "output" | "progress"> &
  StoredSummary & { payload: string; output: string | null };

const SUMMARY = `CAST(jobs.id AS TEXT) AS id, queue, type, status, priority,
  CASE WHEN run_at > updated_at THEN ${isoValue("run_at")} END AS run_at, attempts,
  max_attempts, recoveries, lease_generation, ${isoText("lease_expires_at")}, ${isoText("heartbeat_at")},
  ${isoText("locked_at")}, locked_by, timeout_ms, idempotency_key, concurrency_key, progress, last_error,
  ${isoText("failed_at")}, failure_kind, dlq_reason, ${isoText("dlq_failed_at")},
  ${isoText("created_at")}, ${isoText("updated_at")}, ${isoText("completed_at")}`;
const ALL = `${SUMMARY}, payload, output, lease_token`;

export type SelectJobs = {
  get(jobId: string): JobRecord | undefined;
  deadLetters(
    filter: DeadLetterFilter,
    page: {
      limit: number;
      after?: string;
    },
  ): JobRecord[];
  list(filter: JobFilter, { limit, before }: JobPage, now: bigint): JobSummary[];
  count(filter: JobFilter, now: bigint): number;
  runningJobs(limit: number): JobSummary[];
};

export function createSelectJobs(db: Database): SelectJobs {
  const one = db.prepare<StoredRow, Bindings>(`SELECT ${ALL} FROM jobs WHERE jobs.id = $jobId`);
  const running = db.prepare<StoredSummary, Bindings>(`
    SELECT ${SUMMARY} FROM jobs WHERE status = 'running' ORDER BY jobs.locked_at, jobs.id LIMIT $limit`);

  function get(jobId: string): JobRecord | undefined {
    const row = one.get({ jobId });
    return row === null ? undefined : toRecord(row);
  }

  /** Oldest first. */
  function deadLetters(filter: DeadLetterFilter, page: { limit: number; after?: string }): JobRecord[] {
    const { from, condition, values } = filterSql({ ...filter, states: ["dead"] }, 0n);
    const select = db.query<StoredRow, Bindings>(`
      SELECT ${ALL} FROM ${from} WHERE ${condition} AND jobs.id > $behind ORDER BY jobs.id LIMIT $limit`);
    return select.all({ ...values, limit: page.limit, behind: page.after ?? "0" }).map(toRecord);
  }

  /** Newest first. */
  function list(filter: JobFilter, { limit, before }: JobPage, now: bigint): JobSummary[] {
    const { from, condition, values } = filterSql(filter, now);
    const select = db.query<StoredSummary, Bindings>(`
      SELECT ${SUMMARY} FROM ${from} WHERE ${condition} ${before === undefined ? "" : "AND jobs.id < $ahead"}
      ORDER BY jobs.id DESC LIMIT $limit`);
    const page: Bindings = before === undefined ? { limit } : { limit, ahead: before };
    return select.all({ ...values, ...page }).map(toSummary);
  }

  /** Of at most COUNT_MAX + 1. */
  function count(filter: JobFilter, now: bigint): number {
    const { from, condition, values } = filterSql(filter, now);
    const select = db.query<{ count: number }, Bindings>(`
      SELECT count(*) AS count FROM (SELECT 1 FROM ${from} WHERE ${condition} LIMIT ${COUNT_MAX + 1})`);
    return select.get(values)?.count ?? 0;
  }

  /** Longest first. */
  const runningJobs = (limit: number): JobSummary[] => running.all({ limit }).map(toSummary);

  return { get, deadLetters, list, count, runningJobs };
}

function toRecord({ payload, output, progress, ...row }: StoredRow): JobRecord {
  return toJobRecord({
    ...row,
    payload: JSON.parse(payload),
    output: output === null ? null : JSON.parse(output),
    progress: progress === null ? null : JSON.parse(progress),
  });
}

function toSummary({ progress, ...row }: StoredSummary): JobSummary {
  return toJobSummary({ ...row, progress: progress === null ? null : JSON.parse(progress) });
}
