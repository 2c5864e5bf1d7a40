import type { GitActivity, GitMatchGrade, MatchedCommit } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { type Listed, withinPageBytes, withoutFlags } from "./page-bytes.ts";
import { findPrintedCommits, type PrintedCommit } from "./printed-commits.ts";
import { GIT_COLUMNS, LARGE_GIT_COLUMNS } from "./session-events.ts";
import { findSessions } from "./sessions.ts";

/** A commit comes once from each device that has hooks for it, and a short prefix may begin several hashes. */
const COMMITS_MAX = 20;

type Match = { git_activity_id: string; session_id: string; grade: GitMatchGrade; why: string };

/**
 * The commits and merges whose hash begins with `prefix`, newest first, with the sessions that they are matched to; and those that only
 * a transcript shows.
 */
export async function findCommits(sql: Sql, prefix: string): Promise<MatchedCommit[]> {
  const reported = await withSessions(sql, await findByHash(sql, prefix));
  const printed = await withPrinters(sql, await findPrintedCommits(sql, prefix, COMMITS_MAX));
  return [...reported, ...printed]
    .toSorted((a, b) => b.git_activity.timestamp.localeCompare(a.git_activity.timestamp))
    .slice(0, COMMITS_MAX);
}

/** The commits and merges of a workspace after `position`, newest first, with the sessions that they are matched to. */
export async function listCommits(
  sql: Sql,
  workspaceId: string,
  position: readonly [timestamp: string, id: string] | null,
  limit: number,
): Promise<Listed<MatchedCommit>[]> {
  // By type: a workspace may have many checkouts between two commits.
  const found = sql`
    SELECT g.* FROM unnest('{commit,merge}'::text[]) AS wanted (type)
    CROSS JOIN LATERAL (
      SELECT * FROM git_activity
      WHERE workspace_id = ${workspaceId} AND type = wanted.type AND commit_sha IS NOT NULL
        ${position === null ? sql`` : sql`AND (timestamp, id) < (${position[0]}, ${position[1]})`}
      ORDER BY timestamp DESC, id DESC LIMIT ${limit}
    ) g
    ORDER BY g.timestamp DESC, g.id DESC LIMIT ${limit}`;
  const rows = await sql<Listed<GitActivity>[]>`
    SELECT ${sql(GIT_COLUMNS)}, page_is_full
    FROM (${withinPageBytes(sql, found, sql`timestamp DESC, id DESC`, LARGE_GIT_COLUMNS)}) page
    ORDER BY timestamp DESC, id DESC`;
  const isFull = rows.at(-1)?.page_is_full;
  const commits = await withSessions(sql, [...withoutFlags(rows)]);
  return commits.map((commit, index) =>
    index === rows.length - 1 ? { ...commit, page_is_full: isFull } : commit,
  );
}

async function withSessions(sql: Sql, commits: readonly GitActivity[]): Promise<MatchedCommit[]> {
  const matches = await findMatches(
    sql,
    commits.map(({ id }) => id),
  );
  const sessions = await findSessions(sql, [...new Set(matches.map(({ session_id }) => session_id))]);
  const byId = new Map(sessions.map((session) => [session.id, session]));
  return commits.map((git_activity) => ({
    git_activity,
    is_only_printed: false,
    sessions: matches.flatMap(({ git_activity_id, session_id, grade, why }) => {
      const session = byId.get(session_id);
      return git_activity_id === git_activity.id && session !== undefined ? [{ session, grade, why }] : [];
    }),
  }));
}

/** A commit that several sessions of a repository printed comes once. */
async function withPrinters(sql: Sql, printed: readonly PrintedCommit[]): Promise<MatchedCommit[]> {
  const sessions = await findSessions(sql, [...new Set(printed.map(({ session_id }) => session_id))]);
  const byId = new Map(sessions.map((session) => [session.id, session]));
  return [...Map.groupBy(printed, ({ id }) => id).values()].flatMap((sightings) => {
    const [first] = sightings;
    if (first === undefined) return [];
    const { why: _, ...git_activity } = first;
    const matched = sightings.flatMap(({ session_id, why }) => {
      const session = byId.get(session_id);
      return session === undefined ? [] : [{ session, grade: "exact" as const, why }];
    });
    return [{ git_activity, is_only_printed: true, sessions: matched }];
  });
}

/** A range of hexadecimal digits has the same order in every collation. */
async function findByHash(sql: Sql, prefix: string): Promise<GitActivity[]> {
  const found = sql`
    SELECT * FROM git_activity
    WHERE commit_sha >= ${prefix} AND commit_sha < ${`${prefix}g`} AND starts_with(commit_sha, ${prefix})
    ORDER BY timestamp DESC, id DESC LIMIT ${COMMITS_MAX}`;
  return await sql<GitActivity[]>`
    SELECT ${sql(GIT_COLUMNS)}
    FROM (${withinPageBytes(sql, found, sql`timestamp DESC, id DESC`, LARGE_GIT_COLUMNS)}) page
    ORDER BY timestamp DESC, id DESC`;
}

/** The best first. */
async function findMatches(sql: Sql, ids: readonly string[]): Promise<Match[]> {
  return await sql<Match[]>`
    SELECT m.git_activity_id, m.session_id, m.grade, m.why
    FROM git_matches m JOIN git_activity g ON g.id = m.git_activity_id JOIN sessions s ON s.id = m.session_id
    WHERE m.git_activity_id = ANY(${ids}) AND s.deleted_at IS NULL
    ORDER BY m.session_id IS NOT DISTINCT FROM g.session_id DESC, m.grade = 'exact' DESC, m.grade = 'evidence' DESC,
      s.started_at DESC, s.id DESC`;
}
