import { isObject, type JsonObject, type JsonValue, number, object, text } from "@wharf/transcripts";

/** A row of opencode's database, as its parser reads it. */
export type Row = { table: string; row: JsonObject };
export type RowsOfMessage = { message: Row; parts: () => Iterable<Row> };
export type RowsOfSession = { session: Row; messages: readonly (() => RowsOfMessage)[] };

/** What is known of a session before its rows are read. */
export type SessionLook = { session_id: string; rows: number; bytes: number; changed_ms: number };

/** Columns of a session that stay as they are; the others, such as its totals, change with each message. */
const SESSION_COLUMNS = [
  "id",
  "project_id",
  "parent_id",
  "fork_session_id",
  "directory",
  "title",
  "version",
  "time_created",
] as const;

export function sessionRow(table: string, columns: JsonObject): Row {
  const kept = SESSION_COLUMNS.flatMap((name) =>
    columns[name] === undefined ? [] : [[name, columns[name]] as const],
  );
  return { table, row: Object.fromEntries(kept) };
}

/**
 * A row with its data as an object, in which secrets and texts are found. Left out: what changes in rows that are otherwise complete, the
 * time of the last change and the summary of a prompt, which holds each changed file twice.
 */
export function dataRow(table: string, { time_updated: _, data, ...columns }: JsonObject): Row {
  const value = typeof data === "string" ? parsed(data) : data;
  if (!isObject(value)) return { table, row: { ...columns, ...(data === undefined ? {} : { data }) } };
  const { summary, ...rest } = value;
  return { table, row: { ...columns, data: isPrompt(value) || summary === undefined ? rest : value } };
}

function isPrompt(data: JsonObject): boolean {
  return text(data, "role") === "user";
}

function parsed(json: string): JsonValue {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/**
 * The lines of a session: the same ones each time, with new ones at their end. In a live session, an answer that is being written and what
 * stands behind it come when it is complete.
 */
export function* linesOf({ session, messages }: RowsOfSession, isLive: boolean): Generator<string> {
  yield lineOf(session);
  for (const read of isLive ? messages.slice(0, settledCount(messages)) : messages) {
    const { message, parts } = read();
    yield lineOf(message);
    for (const part of parts()) yield lineOf(part);
  }
}

/** Messages before the last answer, if that has no end. */
function settledCount(messages: RowsOfSession["messages"]): number {
  for (let index = messages.length - 1; index >= 0; index--) {
    const { row } = messages[index]?.().message ?? { row: {} };
    const data = object(row, "data");
    if (text(row, "type") !== "assistant" && text(data, "role") !== "assistant") continue;
    return number(object(data, "time"), "completed") === null ? index : messages.length;
  }
  return messages.length;
}

const lineOf = (row: Row) => `${JSON.stringify(row)}\n`;
