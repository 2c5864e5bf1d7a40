import type { Fragment, Sql } from "../postgres.ts";

/** Counts the `stored` events for plots, as a trigger does on other connections; see db/usage/event-slots.ts. */
export function eventCountRows(sql: Sql): Fragment {
  return sql`
    event_count_rows AS (
      INSERT INTO event_slot_changes (workspace_id, device_id, slot, events)
      SELECT workspace_id, device_id, date_bin('15 minutes', timestamp, 'epoch'), count(*) FROM stored GROUP BY 1, 2, 3
    )`;
}
