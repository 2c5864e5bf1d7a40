import type { Sql } from "../postgres.ts";
import { sessionSkillRows } from "./session-skills.ts";
import { sessionWorktreeRows } from "./session-worktrees.ts";
import { storedEvents } from "./stored-events.ts";
import { subagentRows } from "./subagents.ts";
import { teamRows } from "./teams.ts";

/** What these events mean to the subagents, teams, skills and worktrees of their sessions. */
export async function projectRelations(sql: Sql, eventIds: readonly string[]): Promise<void> {
  await sql`
    WITH ${storedEvents(sql, eventIds)},
    ${subagentRows(sql)},
    ${teamRows(sql)},
    ${sessionSkillRows(sql)},
    ${sessionWorktreeRows(sql)}
    SELECT`;
}
