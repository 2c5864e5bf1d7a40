import { one } from "@wharf/job-runner";
import type { Fragment, Sql } from "../postgres.ts";
import { queueRow } from "../projections/projection-queue.ts";
import { changeLogRow, touchedRow } from "./change-log.ts";
import { eventCountRows } from "./event-counts.ts";
import { noteRows } from "./ingest-notes.ts";
import { newParentRows } from "./new-parents.ts";
import { holdParents } from "./parent-checks.ts";

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
  /** Whether a device, a session or a link of a workspace and a device may not exist yet. */
  mayHaveNewParents: boolean;
  /** Those events that a round has to project. */
  projected_ids: readonly string[];
};

/**
 * How it is made sure that the parents of events are there and that no event is stored twice. `by-row`: by the table's
 * constraints, for each row (foreign keys, ON CONFLICT). `by-set`: by the statement, once for all rows, on a connection that
 * leaves foreign keys and triggers out (DbOptions.foreignKeysByRow).
 */
export type FlushChecks = "by-row" | "by-set";

export type FlushOutput = {
  stored_count: number;
  /** Null when every event of the input was stored: the ids then need not travel. */
  stored_ids: string[] | null;
  /** Of the row in projection_queue; null when nothing that was stored has to be projected. */
  queue_id: string | null;
};

/** As a JSON array. */
export const NO_NOTES = "[]";

/** Between the texts of one column: JSON escapes it, and ids are cleared of it. */
const SEPARATOR = "\u001f";

/**
 * Stores one flush in one statement: its events, those of their parents that do not exist yet, notes, their counts, a row of change_log,
 * and a row of projection_queue. Either all of it is committed, or nothing. What the events mean is derived by a round (ADR 37). Events
 * of deleted sessions are left out.
 * Foreign keys are checked at the end of the statement, so events may precede their devices and sessions. When not all of the
 * events are new, every stored one is queued: the event that was to stand for others may be a repeat, known under another session.
 * Throws SQLSTATE 23503 for a parent that is missing; `by-set` also 55P03 and 55000 (see holdParents), and 23505 for an event that
 * another flush has stored meanwhile.
 */
export async function flushEvents(
  sql: Sql,
  { events, notes, mayHaveNewParents, projected_ids }: FlushInput,
  checks: FlushChecks = "by-row",
): Promise<FlushOutput> {
  const all = sql`stored_count = ${events.length}::int`;
  const projected = sql`string_to_array(${projected_ids.join(SEPARATOR)}::text, ${SEPARATOR}::text)`;
  const rows = await sql<FlushOutput[]>`
    WITH ${storedRows(sql, events, checks)},
    ${mayHaveNewParents ? sql`${newParentRows(sql)},` : sql``}
    ${notes === NO_NOTES ? sql`` : sql`${noteRows(sql, notes)},`}
    ${touchedRow(sql)},
    ${checks === "by-set" ? sql`${eventCountRows(sql)},` : sql``}
    ${changeLogRow(sql)},
    ${queueRow(sql, sql`CASE WHEN ${all} THEN ${projected} ELSE event_ids END`)}
    SELECT
      stored_count,
      ${checks === "by-set" ? sql`${holdParents(sql, mayHaveNewParents)} AS parents_held,` : sql``}
      CASE WHEN NOT ${all} THEN event_ids END AS stored_ids,
      (SELECT id FROM queue_rows) AS queue_id
    FROM touched`;
  return one(rows);
}

/**
 * One text a column, taken apart by Postgres: 12.8 µs a row until the row is in a table without indexes, against 19.6 µs for
 * jsonb_to_recordset, which parses every payload twice, and 16.6 µs for unnest of arrays. Rows are scanned and inserted in the
 * order in which they come, by id; a join with the tombstones might sort them otherwise, and flushes would deadlock.
 * Repeats that are looked for at once cost 4 % less of Postgres' time than ON CONFLICT, which looks for each row's twice.
 */
function storedRows(sql: Sql, events: readonly EventRow[], checks: FlushChecks): Fragment {
  const textOf = (value: (event: EventRow) => string) => events.map(value).join(SEPARATOR);
  const column = (text: string) => sql`string_to_table(${text}::text, ${SEPARATOR}::text)`;
  const list = (text: string) => sql`string_to_array(${text}::text, ${SEPARATOR}::text)`;
  const ids = textOf((event) => event.id);
  const sessionIds = textOf((event) => event.session_id ?? "");
  return sql`
    stored AS (
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
      SELECT id, type, timestamp::timestamptz, device_id, workspace_id, nullif(session_id, ''), data::jsonb, blob_refs::jsonb
      FROM ROWS FROM (
        ${column(ids)},
        ${column(textOf((event) => event.type))},
        ${column(textOf((event) => event.timestamp))},
        ${column(textOf((event) => event.device_id))},
        ${column(textOf((event) => event.workspace_id))},
        ${column(sessionIds)},
        ${column(textOf((event) => event.data))},
        ${column(textOf((event) => event.blob_refs))}
      ) AS sent (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
      WHERE session_id <> ALL (ARRAY(
        SELECT t.session_id FROM session_tombstones t WHERE t.session_id = ANY (${list(sessionIds)})
      ))
      ${
        checks === "by-set"
          ? sql`AND id NOT IN (SELECT known.id FROM events known WHERE known.id = ANY (${list(ids)}))`
          : sql`ON CONFLICT (id) DO NOTHING`
      }
      RETURNING id, timestamp, device_id, workspace_id, session_id
    )`;
}
