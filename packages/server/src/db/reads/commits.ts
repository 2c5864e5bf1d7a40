import type { GitActivity, GitMatchGrade, MatchedCommit } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { withinPageBytes } from "./page-bytes.ts";
import { GIT_COLUMNS, LARGE_GIT_COLUMNS } from "./session-events.ts";
import { findSessions } from "./sessions.ts";

/** A commit comes once from each device that has hooks for it, and a short prefix may begin several hashes. */
const COMMITS_MAX = 20;

type Match = { git_activity_id: string; session_id: string; grade: GitMatchGrade; why: string };

/** The commits and merges whose hash begins with `prefix`, newest first, with the sessions that they are matched to. */
export async function findCommits(sql: Sql, prefix: string): Promise<MatchedCommit[]> {
  const commits = await findByHash(sql, prefix);
  const matches = await findMatches(
    sql,
    commits.map(({ id }) => id),
  );
  const sessions = await findSessions(sql, [...new Set(matches.map(({ session_id }) => session_id))]);
  const byId = new Map(sessions.map((session) => [session.id, session]));
  return commits.map((git_activity) => ({
    git_activity,
    sessions: matches.flatMap(({ git_activity_id, session_id, grade, why }) => {
      const session = byId.get(session_id);
      return git_activity_id === git_activity.id && session !== undefined ? [{ session, grade, why }] : [];
    }),
  }));
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
