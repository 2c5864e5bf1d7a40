import type { GitMatchGrade, SessionGitActivity, StoredEvent } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { type Listed, withinPageBytes } from "./page-bytes.ts";
import { printedCommits } from "./printed-commits.ts";

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
const SESSION_GIT_COLUMNS = [...GIT_COLUMNS, "session_match", "is_only_printed"];
export const LARGE_GIT_COLUMNS = { text: ["message", "branch"], json: ["data"] };

/** A session's events, oldest first: those that name it, and the git events of which it is the best exact or evidence match. */
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

/**
 * The git activity that a session is matched to, oldest first, by the grade of the match; null: of all grades. What the version before
 * matched, by time alone, is possible until it is matched again. With the commits that only its transcript shows, which are exact.
 */
export async function listSessionGit(
  sql: Sql,
  sessionId: string,
  grades: readonly GitMatchGrade[] | null,
  position: Position,
  limit: number,
): Promise<Listed<SessionGitActivity>[]> {
  const page = (table: string, id: string) => sql`
    ${position === null ? sql`` : sql`AND (${sql(table)}.timestamp, ${sql(id)}) > (${position[0]}, ${position[1]})`}
    ORDER BY ${sql(table)}.timestamp, ${sql(id)} LIMIT ${limit}`;
  const isWanted = (grade: Fragment) => (grades === null ? sql`` : sql`AND ${grade} = ANY(${[...grades]})`);
  const outdatedGrade = sql`CASE WHEN g.session_inferred THEN 'possible' ELSE 'exact' END`;
  const reported = sql`
    SELECT * FROM (
      (SELECT g.*, m.grade AS session_match
       FROM (
         SELECT * FROM git_matches m WHERE m.session_id = ${sessionId} ${isWanted(sql`m.grade`)}
         ${page("m", "m.git_activity_id")}
       ) m
       JOIN git_activity g ON g.id = m.git_activity_id)
      UNION ALL
      (SELECT g.*, ${outdatedGrade} AS session_match FROM git_activity g
       WHERE g.session_id = ${sessionId} AND g.matched_to IS DISTINCT FROM g.session_id
         AND NOT EXISTS (
           SELECT FROM git_matches m WHERE m.git_activity_id = g.id AND m.session_id = g.session_id
         )
         ${isWanted(outdatedGrade)}
       ${page("g", "g.id")})
    ) matched
    ORDER BY timestamp, id LIMIT ${limit}`;
  const printed = printedCommits(sql, {
    calls: sql`t.session_id = ${sessionId} ${isWanted(sql`'exact'`)}`,
    page: sql`true ${page("unreported", "unreported.id")}`,
  });
  const found = sql`
    SELECT * FROM (
      SELECT ${sql(GIT_COLUMNS)}, session_match, false AS is_only_printed FROM (${reported}) reported
      UNION ALL
      SELECT ${sql(GIT_COLUMNS)}, 'exact', true FROM (${printed}) printed
    ) both_kinds
    ORDER BY timestamp, id LIMIT ${limit}`;
  return await sql<Listed<SessionGitActivity>[]>`
    SELECT ${sql(SESSION_GIT_COLUMNS)}, page_is_full
    FROM (${withinPageBytes(sql, found, sql`timestamp, id`, LARGE_GIT_COLUMNS)}) page
    ORDER BY timestamp, id`;
}
