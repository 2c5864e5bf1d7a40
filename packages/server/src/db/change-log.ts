import type { Sql } from "./postgres.ts";

/** One row a flush, not one an event, for those who read live. */
export function changeLogRow(sql: Sql) {
  return sql`
    change_rows AS (
      INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids)
      SELECT 'events', count(*)::int, array_agg(id),
        ARRAY(SELECT DISTINCT session_id FROM stored WHERE session_id IS NOT NULL),
        ARRAY(SELECT DISTINCT workspace_id FROM stored)
      FROM stored HAVING count(*) > 0
    )`;
}
