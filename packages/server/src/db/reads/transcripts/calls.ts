import type { Fragment, Sql } from "../../postgres.ts";
import { wireTime } from "../../wire-time.ts";

const TARGET_CHARACTERS_MAX = 300;
/** Members of an input that name what a call is about, where it neither runs a command nor touches a file. */
const TOPICS = ["pattern", "query", "url", "description", "prompt"];

/** The call of block `b` as JSON: what it did, its outcome and the subagent that it started; null for a block that is no call. */
export function callOfBlock(sql: Sql): Fragment {
  const state = sql`
    CASE WHEN NOT t.is_returned THEN 'running'
      WHEN coalesce(t.is_error, false) OR coalesce(t.exit_code, 0) <> 0 THEN 'error' ELSE 'ok' END`;
  const topics = TOPICS.map((name) => sql`b.tool_input ->> ${name}`).reduce((a, b) => sql`${a}, ${b}`);
  const target = sql`coalesce(t.command, touched.path, ${topics})`;
  return sql`(
    SELECT json_build_object(
      'target', left(split_part(ltrim(${target}, E' \\n'), E'\\n', 1), ${TARGET_CHARACTERS_MAX}),
      'state', ${state}, 'exit_code', t.exit_code,
      'called_at', ${wireTime(sql, sql`t.called_at`)}, 'returned_at', ${wireTime(sql, sql`t.returned_at`)},
      'subagent', (${subagentOfCall(sql)})
    )
    FROM tool_calls t
    LEFT JOIN LATERAL (
      SELECT path FROM file_touches f WHERE f.session_id = t.session_id AND f.call_id = t.call_id ORDER BY path LIMIT 1
    ) touched ON true
    WHERE b.block_type = 'tool_use' AND t.session_id = b.session_id AND t.call_id = b.tool_use_id
  )`;
}

function subagentOfCall(sql: Sql): Fragment {
  return sql`
    SELECT json_build_object(
      'id', s.id, 'agent_id', s.agent_id,
      'agent_type', coalesce(nullif(s.agent_type, 'unknown'), b.tool_input ->> 'subagent_type', s.agent_type),
      'description', s.description, 'model', s.model,
      'started_at', ${wireTime(sql, sql`s.started_at`)}, 'ended_at', ${wireTime(sql, sql`s.ended_at`)},
      'tokens_in', s.tokens_in, 'tokens_out', s.tokens_out, 'cost_estimate_usd', s.cost_estimate_usd
    )
    FROM subagents s WHERE s.session_id = t.session_id AND s.call_id = t.call_id ORDER BY s.id LIMIT 1`;
}
