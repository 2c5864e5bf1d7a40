import type { Fragment, Sql } from "../postgres.ts";

/** What decides which projections an event needs. */
export type StoredEvent = { id: string; type: string; device_id: string; session_id: string | null };

/** Those of the events that are still there. */
export async function findStoredEvents(sql: Sql, ids: readonly string[]): Promise<StoredEvent[]> {
  return await sql<StoredEvent[]>`
    SELECT id, type, device_id, session_id FROM events WHERE id = ANY(${ids})`;
}

/** Defines `stored`: the events with these ids. */
export function storedEvents(sql: Sql, ids: readonly string[]): Fragment {
  return sql`
    stored AS MATERIALIZED (
      SELECT id, type, timestamp, device_id, workspace_id, session_id, data, ingested_at FROM events WHERE id = ANY(${ids})
    )`;
}
