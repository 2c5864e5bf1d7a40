import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { isObject, type JsonObject, type JsonValue, number, object } from "@wharf/transcripts";
import { nullIfMissing } from "../../spool/files.ts";
import { dataRow, type Row, type RowsOfSession, type SessionLook, sessionRow } from "./rows.ts";

/** Versions before 1.2 wrote `session/PROJECT/ID.json`, `message/SESSION/ID.json` and `part/MESSAGE/ID.json`. */
export function listStored(storage: string): SessionLook[] {
  return filesBelow(join(storage, "session"))
    .flatMap((project) => filesBelow(project))
    .filter((path) => path.endsWith(".json"))
    .map((path) => {
      const session_id = basename(path, ".json");
      const messages = filesBelow(join(storage, "message", session_id));
      const parts = messages.flatMap((one) => filesBelow(join(storage, "part", basename(one, ".json"))));
      const stats = [path, ...messages, ...parts].flatMap((one) => statOf(one) ?? []);
      return {
        session_id,
        rows: stats.length,
        bytes: stats.reduce((sum, { size }) => sum + size, 0),
        changed_ms: Math.max(0, ...stats.map(({ mtimeMs }) => mtimeMs)),
      };
    });
}

/** The rows that the database of a later version would have. Files that are no JSON, such as one that is being written, are left out. */
export function readStored(storage: string, session_id: string): RowsOfSession | null {
  const path = filesBelow(join(storage, "session"))
    .map((project) => join(project, `${session_id}.json`))
    .find((one) => statOf(one) !== null);
  const session = path === undefined ? null : readJson(path);
  if (session === null) return null;
  const messages = readAll(join(storage, "message", session_id))
    .map((data) => dataRow("message", columnsOf(data, { session_id })))
    .toSorted((a, b) => createdOf(a) - createdOf(b) || idOf(a).localeCompare(idOf(b)));
  return {
    session: sessionRow("session", {
      ...session,
      project_id: session["projectID"],
      parent_id: session["parentID"],
      time_created: object(session, "time")["created"],
    }),
    messages: messages.map((message) => () => ({
      message,
      parts: () =>
        readAll(join(storage, "part", idOf(message))).map((data) =>
          dataRow("part", columnsOf(data, { message_id: idOf(message), session_id })),
        ),
    })),
  };
}

/** In the database these members are columns. */
function columnsOf({ id, sessionID: _, messageID: __, ...data }: JsonObject, ids: JsonObject): JsonObject {
  return { id, ...ids, time_created: object(data, "time")["created"], data };
}

const idOf = ({ row }: Row) => String(row["id"]);
const createdOf = ({ row }: Row) => number(row, "time_created") ?? 0;

/** The JSON objects of a directory's files, by name. */
function readAll(directory: string): JsonObject[] {
  return filesBelow(directory)
    .map(readJson)
    .filter((value) => value !== null);
}

function filesBelow(directory: string): string[] {
  try {
    return readdirSync(directory)
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    return ifMissing(error, []);
  }
}

function statOf(path: string) {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

function readJson(path: string): JsonObject | null {
  try {
    const value: JsonValue = JSON.parse(readFileSync(path, "utf8"));
    return isObject(value) ? value : null;
  } catch (error) {
    return error instanceof SyntaxError ? null : ifMissing(error, null);
  }
}

function ifMissing<T>(error: unknown, value: T): T {
  nullIfMissing(error as NodeJS.ErrnoException);
  return value;
}
