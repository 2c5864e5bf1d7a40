import { typesDeriving } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { sessionSkillRows } from "./session-skills.ts";
import { sessionWorktreeRows } from "./session-worktrees.ts";
import { subagentRows } from "./subagents.ts";
import { teamRows } from "./teams.ts";

/** What these events mean to the subagents, teams, skills and worktrees of the sessions that their devices own. */
export async function projectRelations(sql: Sql, eventIds: readonly string[]): Promise<void> {
  await sql`
    WITH stored AS MATERIALIZED (
      SELECT id, type, timestamp, session_id, data FROM events
      WHERE id = ANY(${eventIds}) AND device_id = (SELECT s.device_id FROM sessions s WHERE s.id = events.session_id)
    ),
    ${subagentRows(sql)},
    ${teamRows(sql)},
    ${sessionSkillRows(sql)},
    ${sessionWorktreeRows(sql)}
    SELECT`;
}

/**
 * For `moved` sessions, whose owner was another device: deletes what that device's events meant, and queues the new owner's events,
 * which meant nothing before. They are the one row of `requeued_rows`, if there are any.
 */
export function movedRelations(sql: Sql): Fragment {
  const ofMoved = sql`session_id IN (SELECT id FROM moved)`;
  return sql`
    gone_teams AS (DELETE FROM teams WHERE ${ofMoved}),
    gone_subagents AS (DELETE FROM subagents WHERE ${ofMoved} AND NOT has_transcript),
    reset_subagents AS (
      UPDATE subagents s SET
        agent_type = coalesce((
          SELECT t.data #>> '{subagent,agent_type}' FROM transcript_facts t
          WHERE t.session_id = s.session_id AND t.fact = 'subagent' AND t.data ->> 'agent_id' = s.agent_id
            AND t.data #>> '{subagent,agent_type}' IS NOT NULL
          LIMIT 1
        ), 'unknown'),
        agent_name = NULL, model = transcript_model, isolation = NULL, run_in_background = NULL, started_at = NULL, ended_at = NULL
      WHERE ${ofMoved} AND has_transcript
    ),
    gone_skills AS (DELETE FROM session_skills WHERE ${ofMoved}),
    gone_worktrees AS (DELETE FROM session_worktrees WHERE ${ofMoved}),
    requeued_rows AS (
      INSERT INTO projection_queue (event_ids)
      SELECT array_agg(e.id) FROM moved JOIN events e ON e.session_id = moved.id AND e.device_id = moved.device_id
      WHERE e.type = ANY (${typesDeriving("relation")}) HAVING count(*) > 0
      RETURNING id::text, event_ids
    )`;
}
