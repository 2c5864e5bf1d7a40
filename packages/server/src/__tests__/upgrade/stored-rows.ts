import type { Sql } from "postgres";
import type { StoredEvent } from "./recount-sessions.ts";

/** Milliseconds since 1970, as the recount has times. */
const ms = (sql: Sql, column: string) => sql`(extract(epoch FROM ${sql(column)}) * 1000)::float8`;

export async function readEvents(sql: Sql): Promise<StoredEvent[]> {
  const rows = await sql<(Omit<StoredEvent, "timestamp"> & { timestamp: Date })[]>`
    SELECT e.id, e.type, e.timestamp, e.device_id, w.canonical_id AS workspace_id, e.session_id, e.data
    FROM events e JOIN workspaces w ON w.id = e.workspace_id ORDER BY e.id`;
  return rows.map((row) => ({ ...row, timestamp: row.timestamp.toISOString() }));
}

/** The derived tables as the recount describes them. Tables and columns are those of the documented schema alone. */
export async function readDerived(sql: Sql) {
  const at = (column: string) => ms(sql, column);
  const [sessions, git, subagents, teams, skills, worktrees, links] = await Promise.all([
    sql`SELECT s.id, w.canonical_id AS workspace_canonical_id, s.device_id, s.lifecycle, ${at("started_at")} AS started_at,
        ${at("ended_at")} AS ended_at, s.end_reason, s.duration_ms::float8 AS duration_ms, s.git_branch, s.model, s.source,
        s.initial_prompt, s.metadata, s.ended_by_server, s.tags, s.summary
      FROM sessions s JOIN workspaces w ON w.id = s.workspace_id ORDER BY s.id COLLATE "C"`,
    sql`SELECT g.id, g.type, w.canonical_id AS workspace, g.device_id, g.session_id, g.branch, g.commit_sha, g.message,
        g.files_changed, ${at("timestamp")} AS timestamp,
        ARRAY(
          SELECT session_id FROM git_matches m WHERE m.git_activity_id = g.id AND grade = 'possible'
          ORDER BY session_id COLLATE "C"
        ) AS possible
      FROM git_activity g JOIN workspaces w ON w.id = g.workspace_id ORDER BY g.id COLLATE "C"`,
    sql`SELECT session_id, agent_id, agent_type, agent_name, model, ${at("started_at")} AS started_at,
        ${at("ended_at")} AS ended_at
      FROM subagents ORDER BY (session_id || ' ' || agent_id) COLLATE "C"`,
    sql`SELECT session_id, team_name, ${at("created_at")} AS created_at,
        ARRAY(SELECT m.entity_name FROM teammates m WHERE m.team_id = t.id ORDER BY m.created_at, m.id) AS members
      FROM teams t ORDER BY (session_id || ' ' || team_name) COLLATE "C"`,
    sql`SELECT id, session_id, skill_name, invoked_by, ${at("invoked_at")} AS invoked_at
      FROM session_skills ORDER BY id COLLATE "C"`,
    sql`SELECT session_id, worktree_name, branch, ${at("created_at")} AS created_at, ${at("removed_at")} AS removed_at,
        had_changes
      FROM session_worktrees ORDER BY (session_id || ' ' || coalesce(worktree_name, 'null')) COLLATE "C"`,
    sql`SELECT w.canonical_id AS workspace, l.device_id, l.local_path
      FROM workspace_devices l JOIN workspaces w ON w.id = l.workspace_id
      ORDER BY (w.canonical_id || ' ' || l.device_id) COLLATE "C"`,
  ]);
  return { sessions, git, subagents, teams, skills, worktrees, links };
}
