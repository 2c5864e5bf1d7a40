import type { Sql } from "./postgres.ts";

/** After the links and the sessions of `stored`: one row a flush, not one an event, for those who read live. */
export function changeLogRow(sql: Sql) {
  return sql`
    change_rows AS (
      INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids)
      SELECT 'events', count(*)::int, array_agg(id),
        ARRAY(SELECT id FROM session_seen),
        ARRAY(SELECT DISTINCT workspace_id FROM links)
      FROM stored HAVING count(*) > 0
    )`;
}
