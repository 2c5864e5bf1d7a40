import type { SessionDetail, SessionSkill, SessionWorktree, Subagent, Teammate } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

export type SessionRelations = Pick<SessionDetail, "subagents" | "skills" | "worktrees" | "teammates">;

/** Rows of each kind in one answer; a session with more is a runaway. */
const ROWS_MAX = 1_000;

/** What a session started, each kind in the order in which it happened. */
export async function findSessionRelations(sql: Sql, sessionId: string): Promise<SessionRelations> {
  const [subagents, skills, worktrees, teammates] = await Promise.all([
    sql<Subagent[]>`
      SELECT * FROM subagents WHERE session_id = ${sessionId}
      ORDER BY coalesce(started_at, ended_at), id LIMIT ${ROWS_MAX}`,
    sql<SessionSkill[]>`
      SELECT * FROM session_skills WHERE session_id = ${sessionId} ORDER BY invoked_at, id LIMIT ${ROWS_MAX}`,
    sql<SessionWorktree[]>`
      SELECT id, session_id, worktree_name, branch, created_at, removed_at, had_changes
      FROM session_worktrees WHERE session_id = ${sessionId} ORDER BY created_at, id LIMIT ${ROWS_MAX}`,
    sql<Teammate[]>`
      SELECT m.*, t.team_name FROM teammates m JOIN teams t ON t.id = m.team_id
      WHERE m.session_id = ${sessionId} ORDER BY m.created_at, m.id LIMIT ${ROWS_MAX}`,
  ]);
  return { subagents, skills, worktrees, teammates };
}
