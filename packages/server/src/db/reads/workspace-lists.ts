import { one } from "@wharf/job-runner";
import type { GitSummary, Workspace, WorkspaceDevice, WorkspaceStats } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { LARGE_LINK_COLUMNS, linkColumns } from "./device-lists.ts";
import { DETAIL_BYTES_MAX, type Listed, withinPageBytes } from "./page-bytes.ts";
import { totalsByParent, totalsOrZero } from "./session-totals.ts";
import { referencedWorkspaces } from "./workspace-references.ts";

/** The last row of the page before: its last_session_at (null: it has no session) and its id. */
type Position = readonly [lastSessionAt: string | null, id: string] | null;

/** A branch counts as active for so long after anything happened on it. */
const ACTIVE_BRANCH_DAYS = 30;
/** Of a workspace in which more happened, the latest git activity tells its branches. */
const ACTIVE_BRANCH_ROWS = 1_000;
const ACTIVE_BRANCHES_MAX = 100;
/** Together with ACTIVE_BRANCHES_MAX less than a page: a branch may have any name that fits into an event. */
const ACTIVE_BRANCH_CHARACTERS_MAX = 1_000;
const DEVICES_MAX = 1_000;

const WORKSPACE_COLUMNS = [
  "w.id",
  "w.canonical_id",
  "w.display_name",
  "w.default_branch",
  "w.metadata",
  "w.first_seen_at",
  "w.updated_at",
];
const LARGE_WORKSPACE_COLUMNS = {
  text: ["canonical_id", "display_name", "default_branch"],
  json: ["metadata"],
};

/** Workspaces with their totals, last activity first; those without a session at the end. */
export async function listWorkspaces(
  sql: Sql,
  position: Position,
  limit: number,
): Promise<Listed<Workspace>[]> {
  const found = sql`
    WITH latest AS MATERIALIZED (
      SELECT id, last_session_at FROM (${lastSessions(sql)}) active WHERE ${beyond(sql, position)}
      ORDER BY last_session_at DESC, id DESC LIMIT ${limit}
    ),
    page AS (
      SELECT id, last_session_at FROM latest
      UNION ALL
      (${withoutSession(sql, position, limit)})
    )
    SELECT w.*, page.last_session_at
    FROM page JOIN workspaces w ON w.id = page.id
    ORDER BY page.last_session_at DESC NULLS LAST, page.id DESC LIMIT ${limit}`;
  const order = sql`last_session_at DESC NULLS LAST, id DESC`;
  return await sql<Listed<Workspace>[]>`
    SELECT ${sql(WORKSPACE_COLUMNS)}, w.last_session_at, ${totalsOrZero(sql)}, ${deviceCount(sql)}, w.page_is_full
    FROM (${withinPageBytes(sql, found, order, LARGE_WORKSPACE_COLUMNS)}) w
    LEFT JOIN LATERAL (${totalsByParent(sql, "workspace", sql`id = w.id`)}) t ON true
    ORDER BY w.last_session_at DESC NULLS LAST, w.id DESC`;
}

/** As referencedWorkspaces, with their totals. */
export async function findWorkspaces(sql: Sql, reference: string, limit: number): Promise<Workspace[]> {
  return await sql<Workspace[]>`
    SELECT w.*, ${totalsOrZero(sql)}, t.last_session_at, ${deviceCount(sql)}
    FROM ${referencedWorkspaces(sql, reference, limit)} w
    LEFT JOIN LATERAL (${totalsByParent(sql, "workspace", sql`id = w.id`)}) t ON true
    ORDER BY w.canonical_id`;
}

export type DeviceOfWorkspace = WorkspaceDevice & { name: string; type: string; status: string };

/** The devices that work on a workspace, the one last active first. */
export async function listDevicesOfWorkspace(sql: Sql, workspaceId: string): Promise<DeviceOfWorkspace[]> {
  const found = sql`
    SELECT * FROM workspace_devices WHERE workspace_id = ${workspaceId}
    ORDER BY last_active_at DESC, device_id LIMIT ${DEVICES_MAX}`;
  const order = sql`last_active_at DESC, device_id`;
  return await sql<DeviceOfWorkspace[]>`
    SELECT d.id, d.name, d.type, d.status, d.last_seen_at, ${linkColumns(sql)}, ${totalsOrZero(sql)}, t.last_session_at
    FROM (${withinPageBytes(sql, found, order, LARGE_LINK_COLUMNS, DETAIL_BYTES_MAX)}) l
    JOIN devices d ON d.id = l.device_id
    LEFT JOIN session_totals t
      ON t.workspace_id = l.workspace_id AND t.device_id = l.device_id AND t.session_count > 0
    ORDER BY l.last_active_at DESC, d.id`;
}

export async function summarizeGit(sql: Sql, workspaceId: string): Promise<GitSummary> {
  const rows = await sql<GitSummary[]>`
    SELECT
      ${gitCount(sql, workspaceId, "commit")} AS total_commits,
      ${gitCount(sql, workspaceId, "push")} AS total_pushes,
      (SELECT max(timestamp) FROM git_activity WHERE workspace_id = ${workspaceId} AND type = 'commit') AS last_commit_at,
      ARRAY(
        SELECT branch FROM (
          SELECT left(branch, ${ACTIVE_BRANCH_CHARACTERS_MAX}) AS branch, timestamp FROM git_activity
          WHERE workspace_id = ${workspaceId} AND timestamp > now() - make_interval(days => ${ACTIVE_BRANCH_DAYS})
          ORDER BY timestamp DESC LIMIT ${ACTIVE_BRANCH_ROWS}
        ) latest
        WHERE branch IS NOT NULL GROUP BY branch ORDER BY max(timestamp) DESC, branch LIMIT ${ACTIVE_BRANCHES_MAX}
      ) AS active_branches`;
  const summary = one(rows);
  return summary;
}

export type SessionsSummary = Pick<WorkspaceStats, "total_messages" | "first_session_at">;

/** What the totals of a workspace's sessions do not hold. */
export async function summarizeSessions(sql: Sql, workspaceId: string): Promise<SessionsSummary> {
  const rows = await sql<SessionsSummary[]>`
    SELECT
      (SELECT min(started_at) FROM sessions WHERE workspace_id = ${workspaceId} AND deleted_at IS NULL) AS first_session_at,
      coalesce((
        SELECT sum(total_messages) FROM sessions
        WHERE workspace_id = ${workspaceId} AND total_messages IS NOT NULL AND deleted_at IS NULL
      ), 0) AS total_messages`;
  const summary = one(rows);
  return summary;
}

function gitCount(sql: Sql, workspaceId: string, type: "commit" | "push") {
  return sql`coalesce((SELECT count FROM git_totals WHERE workspace_id = ${workspaceId} AND type = ${type}), 0)`;
}

/** All that the order of the list needs of the workspaces that have a session. */
function lastSessions(sql: Sql) {
  return sql`
    SELECT id, last_session_at FROM parent_totals WHERE parent = 'workspace' AND session_count > 0`;
}

function deviceCount(sql: Sql) {
  return sql`(SELECT count(*) FROM workspace_devices l WHERE l.workspace_id = w.id) AS device_count`;
}

/** What the page has room for after the `latest`: where that is nothing, no workspace is read. */
function withoutSession(sql: Sql, position: Position, limit: number) {
  const isAmongThem = position !== null && position[0] === null;
  return sql`
    SELECT id, NULL FROM workspaces
    WHERE (SELECT count(*) FROM latest) < ${limit}
      AND NOT EXISTS (SELECT FROM (${lastSessions(sql)}) active WHERE active.id = workspaces.id)
      ${isAmongThem ? sql`AND id < ${position[1]}` : sql``}
    ORDER BY id DESC LIMIT ${limit}`;
}

function beyond(sql: Sql, position: Position) {
  if (position === null) return sql`true`;
  const [lastSessionAt, id] = position;
  return lastSessionAt === null ? sql`false` : sql`(last_session_at, id) < (${lastSessionAt}, ${id})`;
}
