import { changeLogRow } from "./change-log.ts";
import { deviceRows } from "./devices.ts";
import { gitActivityRows } from "./git-activity.ts";
import { noteRows } from "./ingest-notes.ts";
import type { Sql } from "./postgres.ts";
import { relationRows, touchesRelations } from "./relations-from-events.ts";
import { deviceMentions } from "./remote-envs-from-events.ts";
import type { Fragment } from "./session-facts.ts";
import { sessionRows } from "./sessions-from-events.ts";
import { workspaceDeviceRows } from "./workspace-devices.ts";

/** One event's columns as text; `data` and `blob_refs` are JSON. Ids hold no control characters. */
export type EventRow = {
  id: string;
  type: string;
  timestamp: string;
  device_id: string;
  workspace_id: string;
  session_id: string | null;
  data: string;
  blob_refs: string;
};

export type FlushInput = {
  /** Sorted by id, so that concurrent flushes cannot deadlock. */
  events: readonly EventRow[];
  /** A JSON array of {event_id, device_id, kind, detail, body}: written for those events that are stored. */
  notes: string;
};

export type FlushOutput = {
  stored_count: number;
  /** Null when every event of the input was stored: the ids then need not travel. */
  stored_ids: string[] | null;
  /** Sessions that began, moved or ended: git activity may have to be matched anew. */
  changed_session_ids: string[] | null;
  /** Stored git events that name no session. */
  unmatched_git_ids: string[] | null;
};

/**
 * Stores one flush and everything that its events mean, in one statement: either all of it is committed, or nothing.
 * Foreign keys are checked at the end of the statement, so events may precede their devices and sessions; reading only what
 * was `stored` keeps a repeated event from acting twice. Events of deleted sessions are left out.
 */
export async function flushEvents(sql: Sql, input: FlushInput): Promise<FlushOutput> {
  const hasRelations = input.events.some((event) => touchesRelations(event.type));
  const [row] = await sql<FlushOutput[]>`
    WITH ${storedRows(sql, input.events)},
    ${projectionRows(sql, hasRelations)},
    ${noteRows(sql, input.notes)},
    ${changeLogRow(sql)}
    SELECT
      stored_count,
      CASE WHEN stored_count <> ${input.events.length}::int THEN (SELECT array_agg(id) FROM stored) END AS stored_ids,
      (SELECT array_agg(id) FROM session_seen WHERE bounds_changed) AS changed_session_ids,
      (SELECT array_agg(id) FROM git_rows WHERE session_inferred) AS unmatched_git_ids
    FROM (SELECT count(*)::int AS stored_count FROM stored) AS counted`;
  if (row === undefined) throw new Error("the flush returned no row");
  return row;
}

/** Events and the parents that their foreign keys need, and nothing else; each event is noted for a later projection. */
export async function flushEventsAlone(sql: Sql, input: FlushInput, reason: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH ${storedRows(sql, input.events)},
    parents_devices AS (
      INSERT INTO devices (id, name, type)
      SELECT DISTINCT device_id, 'unknown-device', 'local' FROM stored ORDER BY device_id
      ON CONFLICT (id) DO NOTHING
    ),
    parents_sessions AS (
      INSERT INTO sessions (id, workspace_id, device_id, started_at)
      SELECT DISTINCT ON (session_id) session_id, workspace_id, device_id, timestamp
      FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, id
      ON CONFLICT (id) DO NOTHING
    ),
    retries AS (
      INSERT INTO projection_retries (event_id, last_error) SELECT id, ${reason} FROM stored
    ),
    ${noteRows(sql, input.notes)}
    SELECT id FROM stored`;
  return rows.map((row) => row.id);
}

/** Does again, for events that are stored, what their flush should have done. Throws what the projection throws. */
export async function projectStoredEvents(sql: Sql, eventIds: readonly string[]): Promise<FlushOutput> {
  const [row] = await sql<FlushOutput[]>`
    WITH stored AS MATERIALIZED (
      SELECT id, type, timestamp, device_id, workspace_id, session_id, data FROM events WHERE id = ANY(${eventIds})
    ),
    ${projectionRows(sql, true)},
    ${changeLogRow(sql)},
    done AS (DELETE FROM projection_retries WHERE event_id IN (SELECT id FROM stored))
    SELECT
      (SELECT count(*)::int FROM stored) AS stored_count,
      NULL::text[] AS stored_ids,
      (SELECT array_agg(id) FROM session_seen WHERE bounds_changed) AS changed_session_ids,
      (SELECT array_agg(id) FROM git_rows WHERE session_inferred) AS unmatched_git_ids`;
  if (row === undefined) throw new Error("the projection returned no row");
  return row;
}

/** What `stored` events mean to every other table; those that few events touch only where `hasRelations`. */
function projectionRows(sql: Sql, hasRelations: boolean): Fragment {
  const devices = hasRelations ? deviceRows(sql, deviceMentions(sql)) : deviceRows(sql);
  return sql`
    ${workspaceDeviceRows(sql)},
    ${devices},
    ${sessionRows(sql)},
    ${gitActivityRows(sql)}
    ${hasRelations ? sql`, ${relationRows(sql)}` : sql``}`;
}

/** Between the texts of one column: JSON escapes it, and ids are cleared of it. */
const SEPARATOR = "\u001f";

/**
 * One text a column, taken apart by Postgres: 12.8 µs a row until the row is in a table without indexes, against 19.6 µs for
 * jsonb_to_recordset, which parses every payload twice, and 16.6 µs for unnest of arrays. Rows are scanned and inserted in the
 * order in which they come, by id; a join with the tombstones might sort them otherwise, and flushes would deadlock.
 */
function storedRows(sql: Sql, events: readonly EventRow[]): Fragment {
  const column = (values: readonly string[]) =>
    sql`string_to_table(${values.join(SEPARATOR)}::text, ${SEPARATOR}::text)`;
  const sessionIds = [...new Set(events.map((event) => event.session_id ?? ""))];
  return sql`
    stored AS (
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
      SELECT id, type, timestamp::timestamptz, device_id, workspace_id, nullif(session_id, ''), data::jsonb, blob_refs::jsonb
      FROM ROWS FROM (
        ${column(events.map((event) => event.id))},
        ${column(events.map((event) => event.type))},
        ${column(events.map((event) => event.timestamp))},
        ${column(events.map((event) => event.device_id))},
        ${column(events.map((event) => event.workspace_id))},
        ${column(events.map((event) => event.session_id ?? ""))},
        ${column(events.map((event) => event.data))},
        ${column(events.map((event) => event.blob_refs))}
      ) AS sent (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
      WHERE session_id <> ALL (ARRAY(
        SELECT t.session_id FROM session_tombstones t
        WHERE t.session_id = ANY (string_to_array(${sessionIds.join(SEPARATOR)}::text, ${SEPARATOR}::text))
      ))
      ON CONFLICT (id) DO NOTHING
      RETURNING id, type, timestamp, device_id, workspace_id, session_id, data
    )`;
}
