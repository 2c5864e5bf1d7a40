import type { Sql } from "../postgres.ts";

/** A start of a session that a device is about to send. */
export type SessionStart = { id: string; session_id: string };

/** Notes those of these starts whose session another device has started before: see session_claims. */
export async function noteClaims(sql: Sql, deviceId: string, starts: readonly SessionStart[]): Promise<void> {
  await sql`
    INSERT INTO session_claims (event_id)
    SELECT start.id
    FROM unnest(${starts.map(({ id }) => id)}::text[], ${starts.map(({ session_id }) => session_id)}::text[]) AS start (id, session_id)
    JOIN sessions s ON s.id = start.session_id
    WHERE CASE WHEN s.start_reported_at IS NOT NULL THEN s.device_id <> ${deviceId}
        -- Its start is not projected yet.
        ELSE EXISTS (SELECT FROM events e WHERE e.session_id = s.id AND e.type = 'session.start' AND e.device_id <> ${deviceId})
      END
      AND NOT EXISTS (SELECT FROM events e WHERE e.id = start.id)
    ORDER BY start.id
    ON CONFLICT (event_id) DO NOTHING`;
}
