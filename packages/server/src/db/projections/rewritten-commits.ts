import type { Fragment, Sql } from "../postgres.ts";

/** A commit that is rebased again and again. */
const REWRITES_MAX = 50;
/** Commits that one replaced: squashed ones, each perhaps rewritten before. */
const FORMER_COMMITS_MAX = 200;

/** The hashes that commit `sha` was made from (`old`) or into (`new`) by the rewrites of workspace `workspace_id`, by idx_events_rewrites. */
export function rewritten(sql: Sql, side: "old" | "new", sha: Fragment, workspace_id: Fragment): Fragment {
  const [wanted, known] = side === "old" ? [sql`'old'`, sql`'new'`] : [sql`'new'`, sql`'old'`];
  return sql`
    SELECT lower(pair ->> ${wanted}) AS sha
    FROM (
      SELECT e.workspace_id, e.data -> 'pairs' AS pairs FROM events e
      WHERE lower(e.type) = 'git.rewrite' AND e.data -> 'pairs' @> jsonb_build_array(jsonb_build_object(${known}, ${sha})) OFFSET 0
    ) e
    CROSS JOIN LATERAL jsonb_array_elements(e.pairs) AS pair
    WHERE e.workspace_id = ${workspace_id} AND pair ->> ${known} = ${sha}`;
}

/** All commits that `a` replaced, and those that they replaced. */
export function formerCommits(sql: Sql): Fragment {
  return sql`
    WITH RECURSIVE former (sha, depth) AS (
      SELECT a.sha, 0
      UNION
      SELECT r.sha, depth + 1 FROM former
      CROSS JOIN LATERAL (${rewritten(sql, "old", sql`former.sha`, sql`a.workspace_id`)}) r
      WHERE depth < ${REWRITES_MAX}::integer
    )
    SELECT DISTINCT sha FROM (SELECT sha FROM former WHERE depth > 0 LIMIT ${FORMER_COMMITS_MAX}) f WHERE sha <> a.sha`;
}

/** The git activity of commits that these events show as made from others. */
export async function findRewritten(sql: Sql, eventIds: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT DISTINCT g.id FROM events e
    CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(e.data -> 'pairs') WHEN 'array' THEN e.data -> 'pairs' END) AS pair
    JOIN git_activity g ON g.commit_sha = pair ->> 'new' AND g.workspace_id = e.workspace_id
    WHERE e.id = ANY(${eventIds}) ORDER BY g.id`;
  return rows.map(({ id }) => id);
}
