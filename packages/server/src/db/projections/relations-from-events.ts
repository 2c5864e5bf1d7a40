import type { Sql } from "../postgres.ts";
import { remoteEnvRows } from "./remote-envs-from-events.ts";
import type { Fragment } from "./session-facts.ts";
import { sessionSkillRows } from "./session-skills.ts";
import { sessionWorktreeRows } from "./session-worktrees.ts";
import { subagentRows } from "./subagents.ts";
import { teamRows } from "./teams.ts";

const RELATION_TYPE = /^(?:subagent|team|skill|worktree|remote)\./;

/** Whether events of this type mean anything to `relationRows`: a flush without them does not pay for it. */
export function touchesRelations(type: string): boolean {
  return RELATION_TYPE.test(type);
}

/** What `stored` events do to subagents, teams, skills, worktrees and remote environments. */
export function relationRows(sql: Sql): Fragment {
  return sql`
    ${subagentRows(sql)},
    ${teamRows(sql)},
    ${sessionSkillRows(sql)},
    ${sessionWorktreeRows(sql)},
    ${remoteEnvRows(sql)}`;
}
