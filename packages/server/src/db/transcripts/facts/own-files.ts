import type { Fragment, Sql } from "../../postgres.ts";

/**
 * The files that speak for a session where each file of it would say the same again: those of its own device; without any, those of the
 * device with the smallest id.
 */
export function ownFiles(sql: Sql, session_id: string): Fragment {
  return sql`
    SELECT * FROM (
      SELECT f.*, f.device_id = s.device_id AS is_own,
        dense_rank() OVER (ORDER BY f.device_id <> s.device_id, f.device_id) AS device_rank
      FROM transcript_files f JOIN sessions s ON s.id = f.session_id WHERE f.session_id = ${session_id}
    ) ranked WHERE device_rank = 1`;
}
