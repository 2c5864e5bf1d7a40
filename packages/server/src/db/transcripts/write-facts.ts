import { storableJson } from "@wharf/job-runner";
import type { Fragment, Sql } from "../postgres.ts";
import { derivedId } from "../projections/derived-id.ts";
import type { StepRows } from "./parsed-rows.ts";
import type { Query } from "./query.ts";
import type { StepPlace } from "./write-messages.ts";

/** Writes the facts and turns of a step. A new reading of the file replaces those of the former one. */
export async function writeFacts(
  query: Query,
  { session_id, device_id, file_id, generation, reading }: StepPlace,
  { facts, turns }: Pick<StepRows, "facts" | "turns">,
): Promise<void> {
  if (facts.length > 0)
    await query`
      INSERT INTO transcript_facts (file_id, generation, line, position, session_id, fact, data, message_id, reading)
      SELECT ${file_id}::bigint, ${generation}::integer, line, position, ${session_id}, fact, data, message_id, ${reading}::integer
      FROM json_to_recordset((${storableJson(facts)}::text)::json) AS r (
        line bigint, position integer, fact text, data jsonb, message_id text
      )
      ON CONFLICT (file_id, generation, line, position) DO UPDATE SET
        fact = excluded.fact, data = excluded.data, message_id = excluded.message_id, reading = excluded.reading`;
  if (turns.length > 0)
    await query`
      INSERT INTO transcript_turns (session_id, turn_id, device_id)
      SELECT ${session_id}, unnest(${turns}::text[]), ${device_id}
      ON CONFLICT DO NOTHING`;
}

/** The ids of the subagents by the agent's ids of them, made where they are missing. Their columns follow from what one device states of them, first the session's own. */
export async function writeSubagents(
  query: Query,
  sql: Sql,
  session_id: string,
  agent_ids: readonly string[],
): Promise<Map<string, string>> {
  if (agent_ids.length === 0) return new Map();
  const stated = (name: string): Fragment => sql`
    (array_agg(data #>> ARRAY['subagent', ${name}::text] ORDER BY file DESC, generation DESC, line, position)
      FILTER (WHERE data #>> ARRAY['subagent', ${name}::text] IS NOT NULL))[1]`;
  const rows = await query<{ agent_id: string; id: string }[]>`
    WITH facts AS (
      SELECT agent_id, t.data, t.generation, t.line, t.position, f.file,
        dense_rank() OVER (PARTITION BY agent_id ORDER BY f.device_id <> s.device_id, f.device_id) AS device_rank
      FROM unnest(${[...agent_ids]}::text[]) AS agent_id
      LEFT JOIN (transcript_facts t JOIN transcript_files f ON f.id = t.file_id JOIN sessions s ON s.id = f.session_id)
        ON t.session_id = ${session_id} AND t.fact = 'subagent' AND t.data ->> 'agent_id' = agent_id
    )
    INSERT INTO subagents AS s (
      id, session_id, agent_id, agent_type, model, transcript_model, call_id, parent_agent_id, description, workflow, label,
      has_transcript
    )
    SELECT ${derivedId(sql, sql`${session_id}::text`, sql`agent_id`)}, ${session_id}, agent_id,
      coalesce(${stated("agent_type")}, 'unknown'), ${stated("model")}, ${stated("model")}, ${stated("call_id")},
      ${stated("parent_agent_id")}, ${stated("description")}, ${stated("workflow")}, ${stated("label")}, true
    FROM facts WHERE device_rank = 1 GROUP BY agent_id ORDER BY agent_id
    ON CONFLICT (session_id, agent_id) DO UPDATE SET
      agent_type = CASE WHEN s.started_at IS NULL AND s.ended_at IS NULL THEN excluded.agent_type ELSE s.agent_type END,
      model = CASE WHEN s.model IS NOT DISTINCT FROM s.transcript_model THEN excluded.model ELSE coalesce(s.model, excluded.model) END,
      transcript_model = excluded.transcript_model, call_id = excluded.call_id, parent_agent_id = excluded.parent_agent_id,
      description = excluded.description, workflow = excluded.workflow, label = excluded.label, has_transcript = true
    RETURNING agent_id, id`;
  return new Map(rows.map(({ agent_id, id }) => [agent_id, id]));
}
