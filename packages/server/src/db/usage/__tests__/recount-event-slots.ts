import { expect } from "bun:test";
import type { Sql } from "postgres";

/** What is counted of events, with what is still to be added, and the same counted from the events. */
export async function expectEventCountsEqualRecount(sql: Sql): Promise<void> {
  const kept = await sql`
    SELECT workspace_id, device_id, slot, sum(events)::int AS events FROM (
      SELECT * FROM event_slots UNION ALL
      SELECT coalesce(workspace_id, ''), coalesce(device_id, ''), slot, sum(events)
      FROM event_slot_changes GROUP BY slot, CUBE (workspace_id, device_id)
    ) known
    GROUP BY 1, 2, 3 HAVING sum(events) <> 0 ORDER BY 1, 2, 3`;
  const counted = await sql`
    SELECT coalesce(workspace_id, '') AS workspace_id, coalesce(device_id, '') AS device_id, slot, count(*)::int AS events
    FROM (SELECT workspace_id, device_id, date_bin('15 minutes', timestamp, 'epoch') AS slot FROM events) e
    GROUP BY slot, CUBE (workspace_id, device_id) ORDER BY 1, 2, 3`;
  expect([...kept]).toEqual([...counted]);
}
