import type { EventRow } from "./flush-events.ts";
import type { Sql } from "./postgres.ts";

export type Whereabouts = {
  id: string;
  /** The event is in the table. */
  found: boolean;
  /** … with another type or payload than was sent. */
  differs: boolean;
  session_deleted: boolean;
};

/** Why events of a flush were not stored by it: known already, or of a deleted session. One row an event. */
export async function locateEvents(sql: Sql, events: readonly EventRow[]): Promise<Whereabouts[]> {
  const sent = JSON.stringify(
    events.map(({ id, type, session_id, data }) => ({ id, type, session_id, data })),
  );
  return await sql<Whereabouts[]>`
    SELECT sent.id, known.id IS NOT NULL AS found,
      known.id IS NOT NULL AND (known.type, known.data) IS DISTINCT FROM (sent.type, sent.data::jsonb) AS differs,
      tombstone.session_id IS NOT NULL AS session_deleted
    FROM jsonb_to_recordset((${sent}::text)::jsonb) AS sent (id text, type text, session_id text, data text)
    LEFT JOIN events known ON known.id = sent.id
    LEFT JOIN session_tombstones tombstone ON tombstone.session_id = sent.session_id`;
}
