import { one } from "@wharf/job-runner";
import type { Query } from "../transcripts/query.ts";

/** Among the advisory locks of the database. */
const COUNT_LOCK = 7_310_245_119;

/**
 * Adds up to `changesMax` changes to the counts: of each pair of workspace and device, of each workspace, each device, and all together. A
 * count of 0 is deleted. In a transaction, and one at a time. Answers with the number of changes; fewer than `changesMax`: none are left.
 */
export async function addEventCounts(query: Query, changesMax: number): Promise<number> {
  await query`SELECT pg_advisory_xact_lock(${COUNT_LOCK}::bigint)`;
  const rows = await query<{ changes: number }[]>`
    WITH changes AS (
      DELETE FROM event_slot_changes WHERE ctid = ANY (ARRAY(SELECT ctid FROM event_slot_changes LIMIT ${changesMax}))
      RETURNING workspace_id, device_id, slot, events
    ),
    sums AS MATERIALIZED (
      SELECT coalesce(device_id, '') AS device_id, coalesce(workspace_id, '') AS workspace_id, slot, sum(events)::bigint AS events
      FROM changes GROUP BY slot, CUBE (workspace_id, device_id) HAVING sum(events) <> 0
    ),
    emptied AS (
      DELETE FROM event_slots kept USING sums s
      WHERE (kept.device_id, kept.workspace_id, kept.slot) = (s.device_id, s.workspace_id, s.slot) AND kept.events + s.events = 0
      RETURNING kept.device_id, kept.workspace_id, kept.slot
    ),
    added AS (
      INSERT INTO event_slots AS kept (device_id, workspace_id, slot, events)
      SELECT * FROM sums WHERE (device_id, workspace_id, slot) NOT IN (SELECT * FROM emptied) ORDER BY 1, 2, 3
      ON CONFLICT (device_id, workspace_id, slot) DO UPDATE SET events = kept.events + excluded.events
    )
    SELECT count(*)::int AS changes FROM changes`;
  return one(rows).changes;
}

/**
 * Counts about `eventsMax` further events of a device that waits for it, and writes the differences as changes: flushes, deletions and
 * addEventCounts may run meanwhile, as each adds to what one snapshot shows. In a transaction, so that no two count the same events.
 * False: no device waits.
 */
export async function recountEvents(query: Query, eventsMax: number): Promise<boolean> {
  const [piece] = await query<{ device_id: string; from_slot: string; to_slot: string }[]>`
    SELECT device_id, counted_until::text AS from_slot, coalesce((
      SELECT date_bin('15 minutes', e.timestamp, 'epoch') + interval '15 minutes' FROM events e
      WHERE e.device_id = r.device_id AND e.timestamp >= r.counted_until ORDER BY e.timestamp OFFSET ${eventsMax}::integer LIMIT 1
    ), 'infinity')::text AS to_slot
    FROM event_recounts r ORDER BY device_id LIMIT 1 FOR UPDATE`;
  if (piece === undefined) return false;
  const { device_id, from_slot, to_slot } = piece;
  await query`
    INSERT INTO event_slot_changes (workspace_id, device_id, slot, events)
    SELECT workspace_id, ${device_id}, slot, coalesce(counted.events, 0) - coalesce(kept.events, 0)
    FROM (
      SELECT workspace_id, date_bin('15 minutes', timestamp, 'epoch') AS slot, count(*) AS events FROM events
      WHERE device_id = ${device_id} AND timestamp >= ${from_slot}::text::timestamptz AND timestamp < ${to_slot}::text::timestamptz
      GROUP BY 1, 2
    ) counted
    FULL JOIN (
      SELECT workspace_id, slot, sum(events) AS events FROM (
        SELECT * FROM event_slots WHERE workspace_id <> '' UNION ALL SELECT * FROM event_slot_changes
      ) known
      WHERE device_id = ${device_id} AND slot >= ${from_slot}::text::timestamptz AND slot < ${to_slot}::text::timestamptz
      GROUP BY 1, 2
    ) kept USING (workspace_id, slot)
    WHERE counted.events IS DISTINCT FROM kept.events`;
  await query`
    WITH next AS (
      UPDATE event_recounts SET counted_until = ${to_slot}::text::timestamptz
      WHERE device_id = ${device_id} AND ${to_slot}::text <> 'infinity'
    )
    DELETE FROM event_recounts WHERE device_id = ${device_id} AND ${to_slot}::text = 'infinity'`;
  return true;
}
