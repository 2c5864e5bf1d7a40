import type { Fragment, Sql } from "../postgres.ts";
import { derivedId } from "./derived-id.ts";

/**
 * What `stored` events do to teams and teammates: a team is created, or a subagent starts as a member of one. Of several
 * descriptions the first as text stays, which does not depend on the order in which they come.
 */
export function teamRows(sql: Sql): Fragment {
  const teamId = derivedId(sql, sql`session_id`, sql`team_name`);
  return sql`
    team_mentions AS (
      SELECT id, session_id, timestamp, data, type, data ->> 'team_name' AS team_name
      FROM stored
      WHERE type IN ('team.create', 'subagent.start') AND session_id IS NOT NULL AND data ->> 'team_name' <> ''
    ),
    team_rows AS (
      INSERT INTO teams AS t (id, session_id, team_name, description, created_at)
      SELECT ${teamId}, session_id, team_name,
        min(data ->> 'description') FILTER (WHERE type = 'team.create'),
        min(timestamp)
      FROM team_mentions GROUP BY session_id, team_name ORDER BY session_id, team_name
      ON CONFLICT (id) DO UPDATE SET
        description = least(t.description, excluded.description),
        created_at = least(t.created_at, excluded.created_at)
    ),
    teammate_rows AS (
      INSERT INTO teammates AS m (id, team_id, session_id, entity_name, subagent_id, created_at)
      SELECT DISTINCT ON (session_id, team_name, agent_id)
        ${derivedId(sql, sql`session_id`, sql`team_name`, sql`agent_id`)}, ${teamId}, session_id,
        coalesce(nullif(data ->> 'agent_name', ''), agent_id), ${derivedId(sql, sql`session_id`, sql`agent_id`)}, timestamp
      FROM team_mentions CROSS JOIN LATERAL (SELECT data ->> 'agent_id') AS agent (agent_id)
      WHERE type = 'subagent.start'
      ORDER BY session_id, team_name, agent_id, timestamp, id
      ON CONFLICT (id) DO UPDATE SET
        entity_name = CASE WHEN excluded.created_at < m.created_at THEN excluded.entity_name ELSE m.entity_name END,
        created_at = least(m.created_at, excluded.created_at)
    )`;
}
