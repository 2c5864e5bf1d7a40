import type { Database } from "bun:sqlite";
import type { AttemptRecord } from "../../contract/durable-store.ts";
import { type AttemptRow, toAttempt } from "../job-row.ts";
import type { Bindings } from "./bindings.ts";
import { isoText } from "./times.ts";

/** Reads a job's runs, oldest first; a trigger stores unsuccessful ones. */
export function createAttempts(db: Database) {
  const select = db.prepare<AttemptRow, Bindings>(`
    SELECT attempt, lease_generation, worker_id, ${isoText("started_at")}, ${isoText("ended_at")}, outcome, error
    FROM (
      SELECT attempt, lease_generation, worker_id, started_at, ended_at, outcome, error
      FROM job_attempts WHERE job_id = $jobId
      UNION ALL
      SELECT attempts + 1, lease_generation, locked_by, locked_at, completed_at, status, NULL
      FROM jobs WHERE id = $jobId AND status IN ('running', 'completed')
    ) ORDER BY lease_generation`);

  return (jobId: string): AttemptRecord[] => select.all({ jobId }).map(toAttempt);
}
