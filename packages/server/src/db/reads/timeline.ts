import type { GitActivity } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { type Listed, withinPageBytes } from "./page-bytes.ts";
import { GIT_COLUMNS, LARGE_GIT_COLUMNS } from "./session-events.ts";

/** Git activity of one session in one timeline item; the rest is at /api/sessions/:id/git. */
const GIT_ROWS_PER_SESSION_MAX = 100;

export type UnmatchedGit = GitActivity & {
  workspace_name: string;
  device_name: string;
  /** Sessions it may belong to by time and place alone, the last to start first. */
  possible_sessions: string[];
};

export type UnmatchedGitFilters = {
  workspace_id?: string | undefined;
  device_id?: string | undefined;
  after?: string | undefined;
  before?: string | undefined;
  /** Where the page's sessions end: nothing older finds room on it. */
  newerThan?: string | undefined;
};

/** Where the page before ended. `id` null: at a session that started then; git activity of the same instant comes after it. */
export type UnmatchedGitPosition = { time: string; id: string | null } | null;

/** `rows` of git activity at most, `rowsPerItem` in one item, and none behind that which would begin one item too many. */
export type UnmatchedGitLimits = { rows: number; items: number; rowsPerItem: number };

/**
 * Git activity outside any session, newest first. `types` null: all of them. Only the rows that find room on the page travel whole:
 * 200 of them are 150 KB, and a page of 20 items takes about 30.
 */
export async function listUnmatchedGit(
  sql: Sql,
  filters: UnmatchedGitFilters,
  types: readonly string[] | null,
  position: UnmatchedGitPosition,
  limits: UnmatchedGitLimits,
): Promise<Listed<UnmatchedGit>[]> {
  const { workspace_id, device_id, after, before, newerThan } = filters;
  const beginsItem = sql`(nth_of_pair - 1) % ${limits.rowsPerItem}::int = 0`;
  const found = sql`
    SELECT g.*
    FROM (
      SELECT id, nth_of_pair, count(*) FILTER (WHERE ${beginsItem}) OVER (ORDER BY timestamp DESC, id DESC) AS items
      FROM (
        SELECT id, timestamp,
          row_number() OVER (PARTITION BY workspace_id, device_id ORDER BY timestamp DESC, id DESC) AS nth_of_pair
        FROM (
          SELECT id, timestamp, workspace_id, device_id FROM git_activity
          WHERE session_id IS NULL
            ${workspace_id === undefined ? sql`` : sql`AND workspace_id = ${workspace_id}`}
            ${device_id === undefined ? sql`` : sql`AND device_id = ${device_id}`}
            ${types === null ? sql`` : sql`AND type = ANY(${[...types]})`}
            ${after === undefined ? sql`` : sql`AND timestamp > ${after}`}
            ${before === undefined ? sql`` : sql`AND timestamp < ${before}`}
            ${newerThan === undefined ? sql`` : sql`AND timestamp > ${newerThan}`}
            ${beyond(sql, position)}
          ORDER BY timestamp DESC, id DESC
          LIMIT ${limits.rows}
        ) newest
      ) numbered
    ) page
    JOIN git_activity g USING (id)
    WHERE page.items <= ${limits.items} OR (page.items = ${limits.items + 1} AND ${beginsItem})
    ORDER BY g.timestamp DESC, g.id DESC`;
  return await sql<Listed<UnmatchedGit>[]>`
    SELECT ${gitColumns(sql)}, g.page_is_full, w.display_name AS workspace_name, d.name AS device_name,
      ARRAY(
        SELECT s.id FROM git_matches m JOIN sessions s ON s.id = m.session_id
        WHERE m.git_activity_id = g.id AND s.deleted_at IS NULL ORDER BY s.started_at DESC, s.id DESC
      ) AS possible_sessions
    FROM (${withinPageBytes(sql, found, sql`timestamp DESC, id DESC`, LARGE_GIT_COLUMNS)}) g
    JOIN workspaces w ON w.id = g.workspace_id JOIN devices d ON d.id = g.device_id
    ORDER BY g.timestamp DESC, g.id DESC`;
}

/** The git activity of each of these sessions, oldest first; that of the last sessions is left out where it is too large for a page. */
export async function findGitOfSessions(
  sql: Sql,
  sessionIds: readonly string[],
  types: readonly string[] | null,
): Promise<GitActivity[]> {
  if (sessionIds.length === 0) return [];
  const found = sql`
    SELECT g.*, wanted.nth
    FROM unnest(${[...sessionIds]}::text[]) WITH ORDINALITY AS wanted (session_id, nth)
    CROSS JOIN LATERAL (
      SELECT * FROM git_activity
      WHERE session_id = wanted.session_id ${types === null ? sql`` : sql`AND type = ANY(${[...types]})`}
      ORDER BY timestamp, id LIMIT ${GIT_ROWS_PER_SESSION_MAX}
    ) g`;
  return await sql<GitActivity[]>`
    SELECT ${gitColumns(sql)}
    FROM (${withinPageBytes(sql, found, sql`nth, timestamp, id`, LARGE_GIT_COLUMNS)}) g
    ORDER BY g.timestamp, g.id`;
}

const gitColumns = (sql: Sql) => sql(GIT_COLUMNS.map((column) => `g.${column}`));

function beyond(sql: Sql, position: UnmatchedGitPosition) {
  if (position === null) return sql``;
  if (position.id === null) return sql`AND timestamp <= ${position.time}`;
  return sql`AND (timestamp, id) < (${position.time}, ${position.id})`;
}
