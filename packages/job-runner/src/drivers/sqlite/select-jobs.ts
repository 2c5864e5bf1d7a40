import type { Database } from "bun:sqlite";
import type { DeadLetterFilter, JobRecord } from "../driver.ts";
import { type JobRow, toJobRecord } from "../job-row.ts";
import type { Bindings } from "./bindings.ts";
import { isoText } from "./times.ts";
import { filterBindings, MATCHES_DEAD_LETTER } from "./upkeep.ts";

/** A row as SQLite gives it: JSON is text. */
type StoredRow = Omit<JobRow, "payload" | "output"> & { payload: string; output: string | null };

const COLUMNS = `CAST(jobs.id AS TEXT) AS id, queue, type, payload, status, priority, ${isoText("run_at")}, attempts,
  max_attempts, recoveries, lease_generation, lease_token, ${isoText("lease_expires_at")}, ${isoText("heartbeat_at")},
  ${isoText("locked_at")}, locked_by, timeout_ms, idempotency_key, concurrency_key, last_error,
  ${isoText("failed_at")}, failure_kind, dlq_reason, ${isoText("dlq_failed_at")}, output,
  ${isoText("created_at")}, ${isoText("updated_at")}, ${isoText("completed_at")}`;

export function createSelectJobs(db: Database) {
  const one = db.prepare<StoredRow, Bindings>(`SELECT ${COLUMNS} FROM jobs WHERE jobs.id = $jobId`);
  const dead = db.prepare<StoredRow, Bindings>(`
    SELECT ${COLUMNS} FROM jobs WHERE ${MATCHES_DEAD_LETTER} AND jobs.id > $after ORDER BY jobs.id LIMIT $limit`);

  function get(jobId: string): JobRecord | undefined {
    const row = one.get({ jobId });
    return row === null ? undefined : toRecord(row);
  }

  function deadLetters(filter: DeadLetterFilter, page: { limit: number; after?: string }): JobRecord[] {
    return dead.all({ ...filterBindings(filter), limit: page.limit, after: page.after ?? "0" }).map(toRecord);
  }

  return { get, deadLetters };
}

function toRecord(row: StoredRow): JobRecord {
  const output: unknown = row.output === null ? null : JSON.parse(row.output);
  return toJobRecord({ ...row, payload: JSON.parse(row.payload), output });
}
