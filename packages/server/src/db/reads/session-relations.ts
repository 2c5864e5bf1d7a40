import type { SessionDetail, SessionSkill, SessionWorktree, Subagent, Teammate } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { DETAIL_BYTES_MAX, withinPageBytes } from "./page-bytes.ts";
import { countRedactions } from "./redaction-counts.ts";

export type SessionRelations = Pick<
  SessionDetail,
  "subagents" | "skills" | "worktrees" | "teammates" | "redactions"
>;

/** Rows of each kind in one answer; a session with more is a runaway. */
const ROWS_MAX = 1_000;

const SUBAGENT_COLUMNS = [
  "id",
  "session_id",
  "agent_id",
  "agent_type",
  "agent_name",
  "isolation",
  "run_in_background",
  "transcript_s3_key",
  "tokens_in",
  "tokens_out",
  "cache_read_tokens",
  "cache_write_tokens",
  "cost_estimate_usd",
];
const LARGE_SUBAGENT_COLUMNS = [
  "agent_id",
  "agent_type",
  "agent_name",
  "model",
  "used_model",
  "isolation",
  "transcript_s3_key",
];

/** What a session started, each kind in the order in which it happened. */
export async function findSessionRelations(sql: Sql, sessionId: string): Promise<SessionRelations> {
  const within = (found: Fragment, order: Fragment, text: readonly string[]) =>
    withinPageBytes(sql, found, order, { text }, DETAIL_BYTES_MAX);
  const rowsOf = (table: string, order: Fragment) =>
    sql`SELECT * FROM ${sql(table)} WHERE session_id = ${sessionId} ORDER BY ${order} LIMIT ${ROWS_MAX}`;
  const byStart = sql`coalesce(started_at, first_at, ended_at, finished_at), id`;
  const byCall = sql`invoked_at, id`;
  const byCreation = sql`created_at, id`;
  const foundTeammates = sql`
    SELECT m.*, t.team_name FROM teammates m JOIN teams t ON t.id = m.team_id
    WHERE m.session_id = ${sessionId} ORDER BY m.created_at, m.id LIMIT ${ROWS_MAX}`;
  const [subagents, skills, worktrees, teammates, redactions] = await Promise.all([
    sql<Subagent[]>`
      SELECT ${sql(SUBAGENT_COLUMNS)}, coalesce(model, used_model) AS model, coalesce(started_at, first_at) AS started_at,
        coalesce(ended_at, finished_at) AS ended_at
      FROM (${within(rowsOf("subagents", byStart), byStart, LARGE_SUBAGENT_COLUMNS)}) s ORDER BY ${byStart}`,
    sql<SessionSkill[]>`
      SELECT id, session_id, skill_name, invoked_at, invoked_by, args
      FROM (${within(rowsOf("session_skills", byCall), byCall, ["skill_name", "invoked_by", "args"])}) s
      ORDER BY ${byCall}`,
    sql<SessionWorktree[]>`
      SELECT id, session_id, worktree_name, branch, created_at, removed_at, had_changes
      FROM (${within(rowsOf("session_worktrees", byCreation), byCreation, ["worktree_name", "branch"])}) s
      ORDER BY ${byCreation}`,
    sql<Teammate[]>`
      SELECT id, team_id, session_id, entity_name, subagent_id, created_at, team_name
      FROM (${within(foundTeammates, byCreation, ["entity_name", "subagent_id", "team_name"])}) s
      ORDER BY ${byCreation}`,
    countRedactions(sql, sessionId),
  ]);
  return { subagents, skills, worktrees, teammates, redactions };
}
