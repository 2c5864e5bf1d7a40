import type { Sql } from "../postgres.ts";
import { gradedMatches, openUntil, ranDuring } from "./git-grades.ts";
import { rewritten } from "./rewritten-commits.ts";

/**
 * The git activity whose matches may have changed: that of `gitIds`, all that the sessions are matched to, and all that they may be matched
 * to, and the commits that replaced them, so that each order of arrival leads to the same matches. In the order of their ids, those behind `afterId`. What names its session
 * keeps that match however the session changes: compared again with each start and end, it took two thirds of ingest's time.
 */
export async function findMatchable(
  sql: Sql,
  gitIds: readonly string[],
  sessionIds: readonly string[],
  limit: number,
  afterId = "",
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH RECURSIVE changed AS (
    SELECT a.id FROM git_activity a WHERE a.id = ANY(${gitIds})
    UNION
    SELECT a.id FROM git_matches m JOIN git_activity a ON a.id = m.git_activity_id
    WHERE m.session_id = ANY(${sessionIds}) AND (a.session_inferred OR a.session_id <> m.session_id)
    UNION
    SELECT a.id FROM unnest(${sessionIds}::text[]) AS changed (id)
    CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = changed.id OFFSET 0) s
    CROSS JOIN LATERAL (
      SELECT a.id FROM git_activity a
      WHERE a.workspace_id = s.workspace_id AND a.device_id = s.device_id AND a.session_inferred
        AND a.timestamp BETWEEN s.started_at AND coalesce(s.ended_at, ${openUntil(sql)})
      OFFSET 0
    ) a
    UNION
    SELECT a.id FROM tool_calls t
    CROSS JOIN LATERAL unnest(t.commits) AS printed (sha)
    CROSS JOIN LATERAL (
      SELECT a.id FROM git_activity a
      WHERE a.commit_sha >= printed.sha AND a.commit_sha < printed.sha || 'g' AND ${ranDuring(sql)}
      OFFSET 0
    ) a
    WHERE t.session_id = ANY(${sessionIds}) AND t.commits <> '{}'
    ),
    matchable AS (
      SELECT id FROM changed
      UNION
      SELECT a.id FROM matchable m
      CROSS JOIN LATERAL (SELECT commit_sha, workspace_id FROM git_activity WHERE id = m.id AND commit_sha IS NOT NULL OFFSET 0) o
      CROSS JOIN LATERAL (${rewritten(sql, "new", sql`o.commit_sha`, sql`o.workspace_id`)}) r
      CROSS JOIN LATERAL (SELECT id, workspace_id FROM git_activity WHERE commit_sha = r.sha OFFSET 0) a
      WHERE a.workspace_id = o.workspace_id
    )
    SELECT id FROM matchable WHERE id > ${afterId} ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

/** Up to `limit` rows behind `afterId` that the version before wrote. */
export async function findOutdatedMatches(sql: Sql, afterId: string, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM git_activity
    WHERE matched_to IS DISTINCT FROM coalesce(session_id, '') AND id > ${afterId}
    ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

/** Writes the matches of this git activity, and its best exact or evidence match as its session. Repeating it changes nothing. */
export async function matchGitActivity(sql: Sql, ids: readonly string[]): Promise<void> {
  // A row that was waited for was judged by what was known before the wait: everything is compared again until nothing differs.
  while ((await matchOnce(sql, ids)) > 0);
}

/**
 * How many rows differed from what is known, also where another process has changed them meanwhile. Rows are looked up one by one, and
 * deleted by their place: a plan from when the table was small reads all of it for each array or join.
 */
async function matchOnce(sql: Sql, ids: readonly string[]): Promise<number> {
  const rows = await sql<{ differing: number }[]>`
    WITH ${gradedMatches(sql, ids)},
    wanted AS MATERIALIZED (
      SELECT graded.git_activity_id, graded.session_id, graded.why, a.timestamp,
        CASE graded.strength WHEN 2 THEN 'evidence' WHEN 3 THEN 'evidence' WHEN 4 THEN 'possible' ELSE 'exact' END AS grade
      FROM graded JOIN activity a ON a.id = graded.git_activity_id
    ),
    known AS MATERIALIZED (
      SELECT m.* FROM activity a CROSS JOIN LATERAL (
        SELECT ctid AS place, * FROM git_matches WHERE git_activity_id = a.id OFFSET 0
      ) m
    ),
    stale AS MATERIALIZED (
      SELECT k.place FROM known k WHERE NOT EXISTS (
        SELECT FROM wanted w WHERE w.git_activity_id = k.git_activity_id AND w.session_id = k.session_id
      )
    ),
    missing AS MATERIALIZED (
      SELECT w.git_activity_id, w.session_id, w.grade, w.why, w.timestamp
      FROM wanted w LEFT JOIN known k ON k.git_activity_id = w.git_activity_id AND k.session_id = w.session_id
      WHERE (k.grade, k.why) IS DISTINCT FROM (w.grade, w.why)
    ),
    best AS (
      SELECT DISTINCT ON (git_activity_id) git_activity_id, session_id FROM graded WHERE strength < 4
      ORDER BY git_activity_id, strength, at DESC, session_id
    ),
    untied AS MATERIALIZED (
      SELECT a.id, tie.session_id
      FROM activity a LEFT JOIN best ON best.git_activity_id = a.id
      CROSS JOIN LATERAL (SELECT CASE WHEN a.session_inferred THEN best.session_id ELSE a.session_id END AS session_id) tie
      WHERE a.session_id IS DISTINCT FROM tie.session_id OR a.matched_to IS DISTINCT FROM coalesce(tie.session_id, '')
    ),
    deleted_matches AS (DELETE FROM git_matches WHERE ctid = ANY (ARRAY(SELECT place FROM stale))),
    written_matches AS (
      INSERT INTO git_matches (git_activity_id, session_id, grade, why, timestamp)
      SELECT * FROM missing ORDER BY git_activity_id, session_id
      ON CONFLICT (git_activity_id, session_id) DO UPDATE SET grade = excluded.grade, why = excluded.why
    ),
    tied AS (
      UPDATE git_activity g SET session_id = u.session_id, matched_to = coalesce(u.session_id, '') FROM untied u WHERE g.id = u.id
    )
    SELECT (SELECT count(*) FROM stale)::int + (SELECT count(*) FROM missing)::int
      + (SELECT count(*) FROM untied)::int AS differing`;
  return rows[0]?.differing ?? 0;
}
