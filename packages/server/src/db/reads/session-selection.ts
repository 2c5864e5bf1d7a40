import { one } from "@wharf/job-runner";
import type { SessionCounts, SessionSelection } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";

/** `ids`: only these sessions; undefined: all. */
export type SessionFilters = Omit<SessionSelection, "q" | "ids"> & { ids?: readonly string[] | undefined };

/** Conditions on the columns of `sessions`, each behind an AND, but for `ids`. */
export function matches(sql: Sql, filters: Omit<SessionFilters, "ids">): Fragment {
  const { workspace_id, device_id, parent_session_id, tag, after, before, ended_after, ended_before } =
    filters;
  return sql`
    ${workspace_id === undefined ? sql`` : sql`AND workspace_id = ${workspace_id}`}
    ${device_id === undefined ? sql`` : sql`AND device_id = ${device_id}`}
    ${parent_session_id === undefined ? sql`` : sql`AND parent_session_id = ${parent_session_id}`}
    ${isOneOf(sql, "agent", filters.agent)}
    ${isOneOf(sql, "lifecycle", filters.lifecycle)}
    ${isOneOf(sql, "live_state", filters.live_state)}
    ${tag === undefined ? sql`` : sql`AND tags @> ARRAY[${tag}]::text[]`}
    ${after === undefined ? sql`` : sql`AND started_at > ${after}`}
    ${before === undefined ? sql`` : sql`AND started_at < ${before}`}
    ${ended_after === undefined ? sql`` : sql`AND ended_at > ${ended_after}`}
    ${ended_before === undefined ? sql`` : sql`AND ended_at < ${ended_before}`}`;
}

/** One alone is compared as the condition of a partial index is written: else that index would be used together with another. */
function isOneOf(sql: Sql, column: string, values: readonly string[] | undefined): Fragment {
  if (values === undefined) return sql``;
  const [first = "", ...others] = values;
  return others.length === 0
    ? sql`AND ${sql(column)} = ${first}`
    : sql`AND ${sql(column)} = ANY(${[...values]})`;
}

/** The rows of `sessions` that match and are not deleted. */
function selected(sql: Sql, { ids, ...filters }: SessionFilters): Fragment {
  return sql`
    sessions WHERE deleted_at IS NULL ${ids === undefined ? sql`` : sql`AND id = ANY(${[...ids]}::text[])`} ${matches(sql, filters)}`;
}

const isOpen = (sql: Sql): Fragment => sql`lifecycle IN ('detected', 'capturing')`;

export async function countSessions(sql: Sql, filters: SessionFilters): Promise<SessionCounts> {
  const rows = await sql<SessionCounts[]>`
    SELECT count(*)::int AS sessions, (count(*) FILTER (WHERE ${isOpen(sql)}))::int AS open_sessions
    FROM ${selected(sql, filters)}`;
  return one(rows);
}

/** Up to `limit` of them. */
export async function listMatching(
  sql: Sql,
  filters: SessionFilters,
  limit: number,
): Promise<{ id: string; is_open: boolean }[]> {
  return await sql<{ id: string; is_open: boolean }[]>`
    SELECT id, ${isOpen(sql)} AS is_open FROM ${selected(sql, filters)} ORDER BY id LIMIT ${limit}`;
}

/** Ids of up to `limit` of them behind `after`, newest first. */
export async function listSelectedIds(
  sql: Sql,
  filters: SessionFilters,
  after: readonly [startedAt: string, id: string] | null,
  limit: number,
): Promise<{ id: string; started_at: string }[]> {
  return await sql<{ id: string; started_at: string }[]>`
    SELECT id, started_at::text FROM ${selected(sql, filters)}
      ${after === null ? sql`` : sql`AND (started_at, id) < (${after[0]}::text::timestamptz, ${after[1]})`}
    ORDER BY started_at DESC, id DESC LIMIT ${limit}`;
}
