import type { Sql } from "./postgres.ts";

/** One row a flush, not one an event, for those who read live. */
export function changeLogRow(sql: Sql) {
  return sql`
    change_rows AS (
      INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids)
      SELECT 'events', count(*)::int, array_agg(id),
        coalesce(array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), '{}'),
        array_agg(DISTINCT workspace_id)
      FROM stored HAVING count(*) > 0
    )`;
}
