import type { Fragment, Sql } from "../postgres.ts";

/**
 * The device that owns session `s`, the only one whose statements count: the one whose start or report was received first.
 * Until one is received, the session is a stub of the device whose event was received first; a flush creates the row with it.
 * A stub of a transcript file becomes that of its earliest event. A backfill makes a stub of its own device a session, and takes no other.
 */
export function ownerOfSession(sql: Sql): Fragment {
  return sql`
    CASE WHEN s.start_reported_at IS NOT NULL THEN s.device_id ELSE coalesce((
      SELECT device_id FROM (
        SELECT device_id, ingested_at, timestamp, id FROM events WHERE session_id = s.id AND type = 'session.start'
        UNION ALL
        SELECT device_id, received_at, at, event_id FROM session_reports
        WHERE session_id = s.id AND (kind IN ('start', 'report') OR (kind = 'backfill' AND (device_id = s.device_id OR s.has_only_files)))
      ) AS started (device_id, received_at, at, event_id)
      ORDER BY received_at, at, event_id LIMIT 1
    ), CASE WHEN s.has_only_files THEN (
      SELECT device_id FROM events WHERE session_id = s.id ORDER BY timestamp LIMIT 1
    ) END, s.device_id) END`;
}
