import type { GitActivity, StoredEvent } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { type Listed, withinPageBytes } from "./page-bytes.ts";

/** The last row of the page before: its timestamp with microseconds, and its id. */
type Position = readonly [timestamp: string, id: string] | null;

const EVENT_COLUMNS = [
  "id",
  "type",
  "timestamp",
  "device_id",
  "workspace_id",
  "session_id",
  "data",
  "blob_refs",
  "ingested_at",
];
const LARGE_EVENT_COLUMNS = { json: ["data", "blob_refs"] };
export const GIT_COLUMNS = [
  "id",
  "workspace_id",
  "device_id",
  "session_id",
  "type",
  "branch",
  "commit_sha",
  "message",
  "files_changed",
  "insertions",
  "deletions",
  "timestamp",
  "data",
  "session_inferred",
];
export const LARGE_GIT_COLUMNS = { text: ["message", "branch"], json: ["data"] };

/** A session's events, oldest first: those that name it, and the git events that were found to belong to it. */
export async function listSessionEvents(
  sql: Sql,
  sessionId: string,
  position: Position,
  limit: number,
): Promise<Listed<StoredEvent>[]> {
  const after = (table: string) =>
    position === null
      ? sql``
      : sql`AND (${sql(table)}.timestamp, ${sql(table)}.id) > (${position[0]}, ${position[1]})`;
  const found = sql`
    SELECT * FROM (
      (SELECT e.* FROM events e WHERE e.session_id = ${sessionId} ${after("e")}
       ORDER BY e.timestamp, e.id LIMIT ${limit})
      UNION ALL
      (SELECT e.* FROM git_activity g JOIN events e ON e.id = g.id
       WHERE g.session_id = ${sessionId} AND g.session_inferred ${after("g")}
       ORDER BY g.timestamp, g.id LIMIT ${limit})
    ) both_kinds
    ORDER BY timestamp, id LIMIT ${limit}`;
  return await sql<Listed<StoredEvent>[]>`
    SELECT ${sql(EVENT_COLUMNS)}, page_is_full
    FROM (${withinPageBytes(sql, found, sql`timestamp, id`, LARGE_EVENT_COLUMNS)}) page
    ORDER BY timestamp, id`;
}

/** A session's git activity, oldest first. */
export async function listSessionGit(
  sql: Sql,
  sessionId: string,
  position: Position,
  limit: number,
): Promise<Listed<GitActivity>[]> {
  const found = sql`
    SELECT * FROM git_activity
    WHERE session_id = ${sessionId}
      ${position === null ? sql`` : sql`AND (timestamp, id) > (${position[0]}, ${position[1]})`}
    ORDER BY timestamp, id LIMIT ${limit}`;
  return await sql<Listed<GitActivity>[]>`
    SELECT ${sql(GIT_COLUMNS)}, page_is_full
    FROM (${withinPageBytes(sql, found, sql`timestamp, id`, LARGE_GIT_COLUMNS)}) page
    ORDER BY timestamp, id`;
}
