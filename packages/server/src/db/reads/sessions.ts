import type { Lifecycle, Session, SessionDetail } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { type Listed, withinPageBytes } from "./page-bytes.ts";
import { matches, type SessionFilters } from "./session-selection.ts";

/** The last row of the page before: its started_at with microseconds, and its id. */
type Position = readonly [startedAt: string, id: string] | null;

/** All but what only the projection reads. */
const columns = (sql: Sql) =>
  sql`
    s.id, s.workspace_id, s.device_id, s.remote_env_id, s.agent, s.title, s.parent_session_id, s.forked_from, s.lifecycle,
    s.live_state, s.live_reason, s.live_since, s.started_at, s.ended_at, s.end_reason,
    s.initial_prompt, s.git_branch, s.model, s.source, s.transcript_s3_key, s.parse_status, s.parse_error, s.parser_version,
    s.summary,
    s.total_messages, s.user_messages, s.assistant_messages, s.tool_use_count, s.thinking_blocks, s.subagent_count,
    s.tokens_in, s.tokens_out, s.cache_read_tokens, s.cache_write_tokens, s.cost_estimate_usd, s.response_count,
    s.cost_is_partial, s.reported_cost_usd, s.duration_ms, s.tags,
    s.metadata, s.ended_by_server, s.last_heard_at, s.created_at, s.updated_at,
    w.canonical_id AS workspace_canonical_id, w.display_name AS workspace_name, d.name AS device_name`;

const LARGE_COLUMNS = {
  text: [
    "title",
    "initial_prompt",
    "summary",
    "parse_error",
    "end_reason",
    "git_branch",
    "model",
    "source",
    "tags",
  ],
  json: ["metadata"],
};

/** One session with its workspace's and device's names, or null. */
export async function findSession(sql: Sql, id: string): Promise<Session | null> {
  const [row] = await sql<Session[]>`
    SELECT ${columns(sql)}
    FROM sessions s JOIN workspaces w ON w.id = s.workspace_id JOIN devices d ON d.id = s.device_id
    WHERE s.id = ${id} AND s.deleted_at IS NULL`;
  return row ?? null;
}

/** Those of these sessions that exist, newest first, as far as a page has room for them. */
export async function findSessions(sql: Sql, ids: readonly string[]): Promise<Session[]> {
  const found = sql`SELECT * FROM sessions WHERE id = ANY(${ids}) AND deleted_at IS NULL`;
  const rows = await sql<Listed<Session>[]>`
    SELECT ${columns(sql)}
    FROM (${withinPageBytes(sql, found, sql`started_at DESC, id DESC`, LARGE_COLUMNS)}) s
    JOIN workspaces w ON w.id = s.workspace_id JOIN devices d ON d.id = s.device_id
    ORDER BY s.started_at DESC, s.id DESC`;
  return rows;
}

/** These sessions in their order, as many as fill a page. Unknown and deleted ones are left out. */
export async function findSessionsInOrder(sql: Sql, ids: readonly string[]): Promise<Listed<Session>[]> {
  if (ids.length === 0) return [];
  const found = sql`
    SELECT s.*, wanted.position FROM unnest(${[...ids]}::text[]) WITH ORDINALITY AS wanted (id, position)
    JOIN sessions s USING (id) WHERE s.deleted_at IS NULL ORDER BY wanted.position LIMIT ${ids.length}`;
  return await sql<Listed<Session>[]>`
    SELECT ${columns(sql)}, s.page_is_full
    FROM (${withinPageBytes(sql, found, sql`position`, LARGE_COLUMNS)}) s
    JOIN workspaces w ON w.id = s.workspace_id JOIN devices d ON d.id = s.device_id
    ORDER BY s.position`;
}

/** What its transcripts amount to; null before one is parsed. */
export async function findTranscriptFacts(
  sql: Sql,
  id: string,
): Promise<Pick<SessionDetail, "own" | "transcript">> {
  const [row] = await sql<Pick<SessionDetail, "own" | "transcript">[]>`
    SELECT transcript -> 'own' AS own, transcript - 'own' AS transcript FROM sessions WHERE id = ${id}`;
  return row ?? { own: null, transcript: null };
}

/** The device whose session it is, or null where there is no such session. */
export async function findSessionDevice(sql: Sql, id: string): Promise<string | null> {
  const [row] = await sql<
    { device_id: string }[]
  >`SELECT device_id FROM sessions WHERE id = ${id} AND deleted_at IS NULL`;
  return row?.device_id ?? null;
}

export async function sessionExists(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM sessions WHERE id = ${id} AND deleted_at IS NULL`;
  return rows.length > 0;
}

/** Sessions after `position`, newest start first. */
export async function listSessions(
  sql: Sql,
  filters: SessionFilters,
  position: Position,
  limit: number,
): Promise<Listed<Session>[]> {
  const { tag, ...others } = filters;
  const tagged = tag === undefined || filters.ids !== undefined ? null : await idsOfRareTag(sql, tag);
  const ids = filters.ids ?? tagged;
  const found = sql`
      SELECT * FROM ${ids === null ? sql`sessions` : withIds(sql, ids)}
      WHERE deleted_at IS NULL
        ${matches(sql, tagged === null ? filters : others)}
        ${position === null ? sql`` : sql`AND (started_at, id) < (${position[0]}, ${position[1]})`}
      ORDER BY started_at DESC, id DESC
      LIMIT ${limit}`;
  return await sql<Listed<Session>[]>`
    SELECT ${columns(sql)}, s.page_is_full
    FROM (${withinPageBytes(sql, found, sql`started_at DESC, id DESC`, LARGE_COLUMNS)}) s
    JOIN workspaces w ON w.id = s.workspace_id JOIN devices d ON d.id = s.device_id
    ORDER BY s.started_at DESC, s.id DESC`;
}

/** Above this many sessions, those with the tag are not far apart in the list by time. */
const RARE_TAG_SESSIONS_MAX = 2_000;

/**
 * The sessions with a tag that few have; null for any other tag. Without it a list reads by time until its page is full: with a tag
 * that is unknown or old, all sessions. Its index is by the tag alone. Only ids that are used leave the database: to read 2,001 rows
 * took twice as long as to find them. Where Postgres' statistics show a tag as common, they are not looked for, which took 8 of 9 ms.
 */
async function idsOfRareTag(sql: Sql, tag: string): Promise<string[] | null> {
  const [row] = await sql<{ ids: string[] | null }[]>`
    SELECT CASE WHEN ${expectedSessions(sql, tag)} <= ${RARE_TAG_SESSIONS_MAX}::integer THEN (
      SELECT CASE WHEN count(*) <= ${RARE_TAG_SESSIONS_MAX}::integer THEN coalesce(array_agg(id), '{}') END
      FROM (
        SELECT id FROM sessions WHERE tags @> ARRAY[${tag}]::text[] LIMIT ${RARE_TAG_SESSIONS_MAX + 1}
      ) tagged
    ) END AS ids`;
  return row?.ids ?? null;
}

/** How many sessions have a tag by the statistics of the last ANALYZE, which name the most common tags; 0 for any other. */
function expectedSessions(sql: Sql, tag: string) {
  return sql`coalesce((
    SELECT c.reltuples * s.most_common_elem_freqs[array_position(s.most_common_elems::text::text[], ${tag}::text)]
    FROM pg_class c JOIN pg_stats s ON (s.schemaname, s.tablename, s.attname) = (c.relnamespace::regnamespace::text, c.relname, 'tags')
    WHERE c.oid = 'sessions'::regclass
  ), 0)`;
}

/** OFFSET 0, or they would be looked for in the list by time. */
function withIds(sql: Sql, ids: readonly string[]) {
  return sql`(SELECT * FROM sessions WHERE id = ANY(${[...ids]}) OFFSET 0) known`;
}

export type SessionStatus = {
  id: string;
  lifecycle: Lifecycle;
  parse_status: string | null;
  updated_at: string;
};

/** Those of these ids whose sessions were deleted. */
export async function findDeletedSessions(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const rows = await sql<{ session_id: string }[]>`
    SELECT session_id FROM session_tombstones WHERE session_id = ANY(${ids})`;
  return rows.map(({ session_id }) => session_id);
}

/** The state of those of these sessions that exist. */
export async function findSessionStatuses(sql: Sql, ids: readonly string[]): Promise<SessionStatus[]> {
  return await sql<SessionStatus[]>`
    SELECT id, lifecycle, parse_status, updated_at FROM sessions
    WHERE id = ANY(${ids}) AND deleted_at IS NULL`;
}
