import type { Sql } from "../postgres.ts";
import type { EventRow } from "./flush-events.ts";

export type Whereabouts = {
  id: string;
  /** The event is in the table. */
  found: boolean;
  /** … with another type or payload than was sent. */
  differs: boolean;
  session_deleted: boolean;
};

/**
 * Why events of a flush were not stored by it: known already, or of a deleted session. One row an event. An event that is known as one
 * of a session whose deletion is under way counts as gone, and goes at once: it may be sent for another session.
 */
export async function locateEvents(sql: Sql, events: readonly EventRow[]): Promise<Whereabouts[]> {
  const sent = JSON.stringify(
    events.map(({ id, type, session_id, data }) => ({ id, type, session_id, data })),
  );
  return await sql<Whereabouts[]>`
    WITH sent AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset((${sent}::text)::jsonb) AS sent (id text, type text, session_id text, data text)
    ),
    leaving AS MATERIALIZED (
      SELECT e.id FROM sent JOIN events e ON e.id = sent.id JOIN session_tombstones t ON t.session_id = e.session_id
    ),
    deleted AS (DELETE FROM events WHERE id IN (SELECT id FROM leaving)),
    deleted_git AS (DELETE FROM git_activity WHERE id IN (SELECT id FROM leaving))
    SELECT sent.id, known.id IS NOT NULL AS found,
      known.id IS NOT NULL AND (known.type, known.data) IS DISTINCT FROM (sent.type, sent.data::jsonb) AS differs,
      tombstone.session_id IS NOT NULL AS session_deleted
    FROM sent
    LEFT JOIN events known ON known.id = sent.id AND known.id NOT IN (SELECT id FROM leaving)
    LEFT JOIN session_tombstones tombstone ON tombstone.session_id = sent.session_id`;
}
