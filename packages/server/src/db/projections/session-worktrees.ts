import type { Fragment, Sql } from "../postgres.ts";
import { derivedId } from "./derived-id.ts";

/**
 * What `stored` worktree events do to session_worktrees: one row for each name in a session. A worktree that is made again
 * after its removal exists again, in any order of arrival; a removal that arrives first stands in for the creation.
 */
export function sessionWorktreeRows(sql: Sql): Fragment {
  return sql`
    worktree_changes AS (
      SELECT session_id, coalesce(data ->> 'worktree_name', '') AS name,
        min(timestamp) AS created_at,
        max(timestamp) FILTER (WHERE type = 'worktree.create') AS last_created_at,
        max(timestamp) FILTER (WHERE type = 'worktree.remove') AS last_removed_at,
        (array_agg(data ->> 'branch' ORDER BY timestamp DESC, id DESC) FILTER (WHERE type = 'worktree.create'))[1] AS branch,
        (array_agg((data ->> 'had_changes')::boolean ORDER BY timestamp DESC, id DESC)
          FILTER (WHERE type = 'worktree.remove'))[1] AS had_changes
      FROM stored WHERE type IN ('worktree.create', 'worktree.remove') AND session_id IS NOT NULL
      GROUP BY session_id, coalesce(data ->> 'worktree_name', '')
    ),
    worktree_rows AS (
      INSERT INTO session_worktrees AS t (
        id, session_id, worktree_name, branch, created_at, last_created_at, removed_at, had_changes
      )
      SELECT ${derivedId(sql, sql`session_id`, sql`name`)}, session_id, nullif(name, ''), branch, created_at, last_created_at,
        CASE WHEN is_gone THEN last_removed_at END, CASE WHEN is_gone THEN had_changes END
      FROM worktree_changes
      CROSS JOIN LATERAL (SELECT coalesce(last_removed_at >= last_created_at, last_removed_at IS NOT NULL)) AS state (is_gone)
      ORDER BY session_id, name
      ON CONFLICT (id) DO UPDATE SET (branch, created_at, last_created_at, removed_at, had_changes) = (
        SELECT
          CASE WHEN excluded.last_created_at > coalesce(t.last_created_at, '-infinity') THEN excluded.branch ELSE t.branch END,
          least(t.created_at, excluded.created_at),
          latest.created_at,
          CASE WHEN latest.removed_at >= coalesce(latest.created_at, '-infinity') THEN latest.removed_at END,
          CASE WHEN latest.removed_at < latest.created_at THEN NULL
               WHEN excluded.removed_at = latest.removed_at THEN excluded.had_changes ELSE t.had_changes END
        FROM (
          SELECT greatest(t.last_created_at, excluded.last_created_at), greatest(t.removed_at, excluded.removed_at)
        ) AS latest (created_at, removed_at)
      )
    )`;
}
