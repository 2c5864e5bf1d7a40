import type { Sql } from "../postgres.ts";
import { gitActivityRows, isGitActivity } from "../projections/git-activity.ts";
import { pendingRow } from "../projections/projections.ts";
import { relationRows, touchesRelations } from "../projections/relations-from-events.ts";
import { deviceMentions } from "../projections/remote-envs-from-events.ts";
import type { Fragment } from "../projections/session-facts.ts";
import { stubSessionRows } from "../projections/sessions-from-events.ts";
import { changeLogRow, touchedRow } from "./change-log.ts";
import { deviceRows } from "./devices.ts";
import { noteRows } from "./ingest-notes.ts";
import { holdParents } from "./parent-checks.ts";
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

/** What the events of a flush may change beside themselves; what is not named here is left alone. */
export type Unsettled = {
  /** Devices that may not be there yet, or of which something new may be said. */
  device_ids: readonly string[];
  /** Sessions that may not be there yet. */
  session_ids: readonly string[];
  /** Events that are to be projected after the flush (projections.ts). */
  event_ids: readonly string[];
};

export type FlushInput = {
  /** Sorted by id, so that concurrent flushes cannot deadlock. */
  events: readonly EventRow[];
  /** A JSON array of {event_id, device_id, kind, detail, body}: written for those events that are stored. */
  notes: string;
  unsettled: Unsettled;
};

/**
 * How it is made sure that the parents of events are there and that no event is stored twice. `by-row`: by the table's
 * constraints, for each row (foreign keys, ON CONFLICT). `by-set`: by the statement, once for all rows, on a connection that
 * leaves foreign keys out (DbOptions.foreignKeysByRow).
 */
export type FlushChecks = "by-row" | "by-set";

export type FlushOutput = {
  stored_count: number;
  /** Null when every event of the input was stored: the ids then need not travel. */
  stored_ids: string[] | null;
  /** Of the row in pending_projections; null when nothing that was stored is to be projected. */
  pending_id: string | null;
};

/** The parts of a flush's statement, of which those that its events do not need are left out. */
type FlushParts = {
  links: boolean;
  sessions: boolean;
  git: boolean;
  relations: boolean;
  notes: boolean;
  pending: boolean;
};

/**
 * Stores one flush in one statement: either all of it is committed, or nothing. What its events say of known devices
 * and of sessions is projected afterwards, and noted with them (ADR 25); what they mean to everything else is stored with them.
 * Foreign keys are checked at the end of the statement, so events may precede their devices and sessions; reading only what
 * was `stored` keeps a repeated event from acting twice. Events of deleted sessions are left out.
 * Throws a violated foreign key, whoever found it, for a parent that is missing; `by-set` also 55P03 and 55000 (see holdParents),
 * and 23505 for an event that somebody else has stored meanwhile.
 */
export async function flushEvents(
  sql: Sql,
  input: FlushInput,
  checks: FlushChecks = "by-row",
): Promise<FlushOutput> {
  const { events, unsettled, notes } = input;
  const parts = partsOf(input);
  const written = { devices: parts.links, sessions: parts.sessions };
  const bySet = checks === "by-set";
  const [row] = await sql<FlushOutput[]>`
    WITH ${storedRows(sql, events, checks)},
    ${otherRows(sql, parts, unsettled)}
    ${parts.notes ? sql`${noteRows(sql, notes)},` : sql``}
    ${touchedRow(sql)},
    ${changeLogRow(sql)}
    SELECT
      stored_count,
      ${bySet ? sql`${holdParents(sql, written)} AS parents_held,` : sql``}
      CASE WHEN stored_count <> ${events.length}::int THEN event_ids END AS stored_ids,
      ${parts.pending ? sql`(SELECT id FROM pending_rows)` : sql`NULL`} AS pending_id
    FROM touched`;
  if (row === undefined) throw new Error("the flush returned no row");
  return row;
}

/** Subagents, teams, worktrees and remote environments refer to more than the parents of events. */
export function mayCheckBySet({ events }: FlushInput): boolean {
  return !events.some((event) => touchesRelations(event.type));
}

/** Events and the parents that their foreign keys need, and nothing else; each event is noted for a later projection. */
export async function flushEventsAlone(
  sql: Sql,
  input: Omit<FlushInput, "unsettled">,
  reason: string,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH ${storedRows(sql, input.events, "by-row")},
    parents_devices AS (
      INSERT INTO devices (id, name, type)
      SELECT DISTINCT device_id, 'unknown-device', 'local' FROM stored ORDER BY device_id
      ON CONFLICT (id) DO NOTHING
    ),
    ${stubSessionRows(sql, sql`session_id IS NOT NULL`)},
    retries AS (
      INSERT INTO projection_retries (event_id, last_error) SELECT id, ${reason} FROM stored
    ),
    ${noteRows(sql, input.notes)}
    SELECT id FROM stored`;
  return rows.map((row) => row.id);
}

/** Each combination is a statement of its own to prepare; most flushes need two or three of them. */
function partsOf({ events, unsettled, notes }: FlushInput): FlushParts {
  const relations = events.some((event) => touchesRelations(event.type));
  return {
    links: relations || unsettled.device_ids.length > 0,
    sessions: unsettled.session_ids.length > 0,
    pending: unsettled.event_ids.length > 0,
    git: events.some((event) => isGitActivity(event.type)),
    relations,
    notes: notes !== NO_NOTES,
  };
}

/** What is written beside the `stored` events; each part ends with a comma. */
function otherRows(sql: Sql, parts: FlushParts, { device_ids, session_ids, event_ids }: Unsettled): Fragment {
  // IN (SELECT …) is hashed once; = ANY (an array that is no constant) is taken apart and searched for each row.
  const isOneOf = (ids: readonly string[]) =>
    sql`IN (SELECT string_to_table(${ids.join(SEPARATOR)}::text, ${SEPARATOR}::text))`;
  const ofDevices = sql`device_id ${isOneOf(device_ids)}`;
  const devices = parts.relations
    ? deviceRows(sql, ofDevices, deviceMentions(sql))
    : deviceRows(sql, ofDevices);
  return sql`
    ${parts.links ? sql`${workspaceDeviceRows(sql, ofDevices)}, ${devices},` : sql``}
    ${parts.sessions ? sql`${stubSessionRows(sql, sql`session_id ${isOneOf(session_ids)}`)},` : sql``}
    ${parts.git ? sql`${gitActivityRows(sql)},` : sql``}
    ${parts.relations ? sql`${relationRows(sql)},` : sql``}
    ${parts.pending ? sql`${pendingRow(sql, sql`id ${isOneOf(event_ids)}`)},` : sql``}`;
}

/** As a JSON array. */
export const NO_NOTES = "[]";

/** Between the texts of one column: JSON escapes it, and ids are cleared of it. */
const SEPARATOR = "\u001f";

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
      RETURNING id, type, timestamp, device_id, workspace_id, session_id, data
    )`;
}
