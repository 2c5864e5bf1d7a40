import { COUNT_MAX } from "../../../contract/admin-store.ts";
import type { PostgresClient } from "../../../contract/driver.ts";
import type { Query } from "./fragments.ts";
import { isoText } from "./fragments.ts";

export type WorkerRow = {
  readonly worker_id: string;
  readonly jobs: number;
  readonly locked_at: string;
  readonly heartbeat_at: string;
};

/** The workers of running jobs, of which at most COUNT_MAX + 1 are read. */
export function listWorkers(sql: PostgresClient): Query<WorkerRow[]> {
  return sql<WorkerRow[]>`
    SELECT worker_id, jobs, ${isoText(sql, "locked_at")}, ${isoText(sql, "heartbeat_at")} FROM (
      SELECT COALESCE(locked_by, '') AS worker_id, count(*)::integer AS jobs, min(locked_at) AS locked_at,
        max(heartbeat_at) AS heartbeat_at
      FROM (
        SELECT locked_by, locked_at, heartbeat_at FROM jobs
        WHERE status = 'running' AND lease_expires_at > '-infinity'
        ORDER BY lease_expires_at LIMIT ${COUNT_MAX + 1}::integer
      ) AS running GROUP BY 1
    ) AS worker ORDER BY worker_id COLLATE "C"`;
}
