import type { Device, NextDeletion, WorkspaceDevice } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { wireTime } from "../wire-time.ts";
import { DETAIL_BYTES_MAX, type Listed, withinPageBytes } from "./page-bytes.ts";
import { totalsByParent, totalsOrZero } from "./session-totals.ts";

/** The last row of the page before: its first_seen_at with microseconds, and its id. */
type Position = readonly [firstSeenAt: string, id: string] | null;

const WORKSPACES_MAX = 1_000;
const DELETIONS_LISTED_MAX = 20;
const TITLE_CHARACTERS_MAX = 200;

/** All of devices AS d but `name_said_at`, by which names are merged (devices.ts). */
export const deviceColumns = (sql: Sql): Fragment =>
  sql`d.id, d.name, d.type, d.hostname, d.os, d.arch, d.status, d.metadata, d.first_seen_at, d.last_seen_at`;

const LARGE_DEVICE_COLUMNS = { text: ["name", "hostname", "os", "arch"], json: ["metadata"] };

/** All of workspace_devices AS l but `local_path_at`, by which paths are merged (workspace-devices.ts). */
export const linkColumns = (sql: Sql): Fragment => sql`
  l.workspace_id, l.device_id, l.local_path, l.hooks_installed, l.git_hooks_installed, l.git_hooks_answer,
  l.git_hooks_answered_at, l.last_active_at`;

export const LARGE_LINK_COLUMNS = { text: ["local_path"] };

/** Devices that were not removed, with their totals, the newest first: an order that a device's activity does not change. */
export async function listDevices(sql: Sql, position: Position, limit: number): Promise<Listed<Device>[]> {
  const found = sql`
      SELECT * FROM devices
      WHERE status <> 'terminated'
      ${position === null ? sql`` : sql`AND (first_seen_at, id) < (${position[0]}, ${position[1]})`}
      ORDER BY first_seen_at DESC, id DESC LIMIT ${limit}`;
  return await sql<Listed<Device>[]>`
    SELECT ${deviceColumns(sql)}, ${totalsOrZero(sql)}, t.last_session_at, ${workspaceCount(sql)}, ${factColumns(sql)}, d.page_is_full
    FROM (${withinPageBytes(sql, found, sql`first_seen_at DESC, id DESC`, LARGE_DEVICE_COLUMNS)}) d
    LEFT JOIN LATERAL (${totalsByParent(sql, "device", sql`id = d.id`)}) t ON true
    ${facts(sql)}
    ORDER BY d.first_seen_at DESC, d.id DESC`;
}

/** One device with its totals, or null. */
export async function findDevice(sql: Sql, id: string): Promise<Device | null> {
  const [row] = await sql<Device[]>`
    SELECT ${deviceColumns(sql)}, ${totalsOrZero(sql)}, t.last_session_at, ${workspaceCount(sql)}, ${factColumns(sql)}
    FROM devices d LEFT JOIN (${totalsByParent(sql, "device", sql`id = ${id}`)}) t ON t.id = d.id
    ${facts(sql)}
    WHERE d.id = ${id}`;
  return row ?? null;
}

/** The files of a device that its agents delete next. */
export async function listNextDeletions(sql: Sql, id: string): Promise<NextDeletion[]> {
  return await sql<NextDeletion[]>`
    SELECT f.session_id, coalesce(s.title, left(s.initial_prompt, ${TITLE_CHARACTERS_MAX})) AS session_title,
      f.agent, f.file, f.deletes_at, f.held_bytes
    FROM transcript_files f LEFT JOIN sessions s ON s.id = f.session_id
    WHERE f.device_id = ${id} AND f.deletes_at > now()
    ORDER BY f.deletes_at, f.id LIMIT ${DELETIONS_LISTED_MAX}`;
}

export type WorkspaceOfDevice = WorkspaceDevice & { canonical_id: string; display_name: string };

/** The workspaces that a device works on, the one last active first. */
export async function listWorkspacesOfDevice(sql: Sql, deviceId: string): Promise<WorkspaceOfDevice[]> {
  const found = sql`
    SELECT l.*, w.canonical_id, w.display_name
    FROM workspace_devices l JOIN workspaces w ON w.id = l.workspace_id
    WHERE l.device_id = ${deviceId}
    ORDER BY l.last_active_at DESC, l.workspace_id LIMIT ${WORKSPACES_MAX}`;
  const order = sql`last_active_at DESC, workspace_id`;
  const large = { text: ["local_path", "canonical_id", "display_name"] };
  return await sql<WorkspaceOfDevice[]>`
    SELECT l.workspace_id AS id, l.canonical_id, l.display_name, ${linkColumns(sql)}, ${totalsOrZero(sql)}, t.last_session_at
    FROM (${withinPageBytes(sql, found, order, large, DETAIL_BYTES_MAX)}) l
    LEFT JOIN session_totals t
      ON t.workspace_id = l.workspace_id AND t.device_id = l.device_id AND t.session_count > 0
    ORDER BY l.last_active_at DESC, l.workspace_id`;
}

function workspaceCount(sql: Sql) {
  return sql`(SELECT count(*) FROM workspace_devices l WHERE l.device_id = d.id) AS workspace_count`;
}

const factColumns = (sql: Sql): Fragment => sql`
  CASE WHEN r.device_id IS NOT NULL THEN
    jsonb_build_object('reported_at', ${wireTime(sql, sql`r.reported_at`)}, 'clock_skew_ms', r.clock_skew_ms) || r.facts END AS report,
  held.held`;

/** The report of devices AS d, and their transcript files that are kept. */
function facts(sql: Sql): Fragment {
  return sql`
    LEFT JOIN device_reports r ON r.device_id = d.id
    CROSS JOIN LATERAL (
      SELECT json_build_object('files', count(*), 'bytes', coalesce(sum(f.held_bytes), 0),
        'next_deletion_at', ${wireTime(sql, sql`min(f.deletes_at) FILTER (WHERE f.deletes_at > now())`)}) AS held
      FROM transcript_files f WHERE f.device_id = d.id
    ) held`;
}
