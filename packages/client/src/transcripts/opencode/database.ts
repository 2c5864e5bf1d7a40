import { type JsonObject, number, text } from "@wharf/transcripts";
import { dataRow, type RowsOfMessage, type RowsOfSession, type SessionLook, sessionRow } from "./rows.ts";
import type { Database } from "./sqlite.ts";

/** Tables of 2.x come first: those of 1.x stay there. */
const SESSIONS = ["session_v2", "session"] as const;
const MESSAGES = ["session_message", "message"] as const;

function tablesOf(database: Database): ReadonlySet<string> {
  const rows = database.all("SELECT name FROM sqlite_master WHERE type = 'table'");
  return new Set(rows.flatMap((row) => text(row, "name") ?? []));
}

/** All sessions. The bytes of one are its share of the database by its rows: the rows themselves are not read. */
export function listSessions(database: Database, bytes: number): SessionLook[] {
  const tables = tablesOf(database);
  const looks = new Map<string, { rows: number; changed_ms: number }>();
  const note = (row: JsonObject) => {
    const id = text(row, "id");
    if (id === null) return;
    const { rows, changed_ms } = looks.get(id) ?? { rows: 0, changed_ms: 0 };
    looks.set(id, {
      rows: rows + (number(row, "n") ?? 0),
      changed_ms: Math.max(changed_ms, number(row, "changed") ?? 0),
    });
  };
  for (const table of SESSIONS.filter((one) => tables.has(one)))
    database.all(`SELECT id, 1 AS n, time_updated AS changed FROM ${table}`).forEach(note);
  const known = new Set(looks.keys());
  for (const table of [...MESSAGES, "part"].filter((one) => tables.has(one)))
    database
      .all(
        `SELECT session_id AS id, count(*) AS n, max(time_updated) AS changed FROM ${table} GROUP BY session_id`,
      )
      .forEach(note);
  const all = [...looks].filter(([id]) => known.has(id));
  const total = Math.max(
    1,
    all.reduce((sum, [, { rows }]) => sum + rows, 0),
  );
  return all.map(([session_id, { rows, changed_ms }]) => ({
    session_id,
    rows,
    changed_ms,
    bytes: Math.ceil((bytes * rows) / total),
  }));
}

/** Null for a session that is gone. A session that the tables of both versions hold is read from the newer ones alone. */
export function readSession(database: Database, id: string): RowsOfSession | null {
  const tables = tablesOf(database);
  const session = SESSIONS.filter((table) => tables.has(table))
    .flatMap((table) =>
      database.all(`SELECT * FROM ${table} WHERE id = ?`, id).map((row) => sessionRow(table, row)),
    )
    .at(0);
  if (session === undefined) return null;
  const newer = tables.has("session_message")
    ? database.all("SELECT id FROM session_message WHERE session_id = ? ORDER BY seq, id", id)
    : [];
  if (newer.length > 0) return { session, messages: readersOf(database, "session_message", newer) };
  const older = tables.has("message")
    ? database.all("SELECT id FROM message WHERE session_id = ? ORDER BY time_created, id", id)
    : [];
  return { session, messages: readersOf(database, "message", older) };
}

/** One message at a time is in memory. */
function readersOf(
  database: Database,
  table: (typeof MESSAGES)[number],
  ids: readonly JsonObject[],
): (() => RowsOfMessage)[] {
  return ids.map((one) => {
    const id = text(one, "id") ?? "";
    return () => ({
      message: dataRow(table, database.all(`SELECT * FROM ${table} WHERE id = ?`, id)[0] ?? {}),
      parts: () =>
        table === "message"
          ? database
              .all("SELECT * FROM part WHERE message_id = ? ORDER BY id", id)
              .map((row) => dataRow("part", row))
          : [],
    });
  });
}
