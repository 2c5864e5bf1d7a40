import type { Fragment, Sql } from "../postgres.ts";
import { derivedId } from "./derived-id.ts";

/**
 * What `stored` subagent events do to subagents. The earliest start describes the subagent, the latest stop only until there is one;
 * the latest stop ends it. A transcript's type and model hold where no event names them.
 */
export function subagentRows(sql: Sql): Fragment {
  return sql`
    subagent_start AS (
      SELECT DISTINCT ON (session_id, data ->> 'agent_id') session_id, data ->> 'agent_id' AS agent_id, timestamp, data
      FROM stored WHERE type = 'subagent.start' AND session_id IS NOT NULL
      ORDER BY session_id, data ->> 'agent_id', timestamp, id
    ),
    subagent_stop AS (
      SELECT DISTINCT ON (session_id, data ->> 'agent_id') session_id, data ->> 'agent_id' AS agent_id, timestamp, data
      FROM stored WHERE type = 'subagent.stop' AND session_id IS NOT NULL
      ORDER BY session_id, data ->> 'agent_id', timestamp DESC, data ->> 'agent_type' DESC
    ),
    subagent_rows AS (
      INSERT INTO subagents AS s (
        id, session_id, agent_id, agent_type, agent_name, model, isolation, run_in_background, started_at, ended_at
      )
      SELECT
        ${derivedId(sql, sql`session_id`, sql`agent_id`)}, session_id, agent_id,
        coalesce(start.data ->> 'agent_type', stop.data ->> 'agent_type'),
        start.data ->> 'agent_name', start.data ->> 'model', start.data ->> 'isolation',
        (start.data ->> 'run_in_background')::boolean, start.timestamp, stop.timestamp
      FROM subagent_start start FULL JOIN subagent_stop stop USING (session_id, agent_id)
      ORDER BY session_id, agent_id
      ON CONFLICT (session_id, agent_id) DO UPDATE SET (
        agent_type, agent_name, model, isolation, run_in_background, started_at, ended_at
      ) = (
        SELECT
          CASE WHEN goes_first OR is_later_stop THEN excluded.agent_type ELSE s.agent_type END,
          CASE WHEN goes_first THEN excluded.agent_name ELSE s.agent_name END,
          CASE WHEN goes_first THEN coalesce(excluded.model, s.transcript_model) ELSE s.model END,
          CASE WHEN goes_first THEN excluded.isolation ELSE s.isolation END,
          CASE WHEN goes_first THEN excluded.run_in_background ELSE s.run_in_background END,
          least(s.started_at, excluded.started_at),
          greatest(s.ended_at, excluded.ended_at)
        FROM (
          SELECT
            coalesce(excluded.started_at < coalesce(s.started_at, 'infinity'), false),
            s.started_at IS NULL AND excluded.started_at IS NULL
              AND (s.ended_at IS NULL OR (excluded.ended_at, excluded.agent_type) > (s.ended_at, s.agent_type))
        ) AS precedence (goes_first, is_later_stop)
      )
    )`;
}
