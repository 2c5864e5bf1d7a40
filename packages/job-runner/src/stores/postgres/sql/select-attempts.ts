import type { PostgresClient } from "../../../contract/driver.ts";
import type { AttemptRow } from "../../job-row.ts";
import type { Query } from "./fragments.ts";
import { isoText } from "./fragments.ts";

/** The ended runs of the job and the current or completing one, from one snapshot, so that none is missing. */
export function selectAttempts(sql: PostgresClient, jobId: string): Query<AttemptRow[]> {
  return sql<AttemptRow[]>`
    SELECT attempt, lease_generation, worker_id, ${isoText(sql, "started_at")}, ${isoText(sql, "ended_at")}, outcome, error
    FROM (
      SELECT attempt, lease_generation, worker_id, started_at, ended_at, outcome, error
      FROM job_attempts WHERE job_id = ${jobId}::bigint
      UNION ALL
      SELECT attempts + 1, lease_generation, locked_by, locked_at, completed_at, status, NULL
      FROM all_jobs WHERE id = ${jobId}::bigint AND status IN ('running', 'completed') AND locked_at IS NOT NULL
    ) AS runs ORDER BY runs.lease_generation`;
}
