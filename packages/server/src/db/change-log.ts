import type { Sql } from "./postgres.ts";

/** One row a flush, not one an event, for those who read live: what `touched` says of it. */
export function changeLogRow(sql: Sql) {
  return sql`
    change_rows AS (
      INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids)
      SELECT 'events', stored_count, event_ids, session_ids, workspace_ids FROM touched WHERE stored_count > 0
    )`;
}
