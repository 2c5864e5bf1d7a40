import { storableJson } from "@wharf/job-runner";
import type { StepRows } from "./parsed-rows.ts";
import type { Query } from "./query.ts";
import type { StepPlace } from "./write-messages.ts";

/** Writes calls and results, in any order: each completes the other. */
export async function writeCalls(
  query: Query,
  { session_id, subagent_id, file_id }: StepPlace,
  { calls, touches, replaced_calls }: Pick<StepRows, "calls" | "touches" | "replaced_calls">,
): Promise<void> {
  if (calls.length === 0) return;
  if (replaced_calls.length > 0)
    await query`
      WITH gone AS (
        DELETE FROM tool_calls WHERE session_id = ${session_id} AND call_id = ANY (${replaced_calls}::text[])
      )
      DELETE FROM file_touches WHERE session_id = ${session_id} AND call_id = ANY (${replaced_calls}::text[])`;
  await query`
    INSERT INTO tool_calls AS c (
      session_id, call_id, subagent_id, file_id, message_id, tool, command, called_at, returned_at, exit_code, is_error, tests,
      commits, is_returned, is_copy
    )
    SELECT ${session_id}, call_id, ${subagent_id}, ${file_id}::bigint, message_id, tool, command, called_at, returned_at, exit_code,
      is_error, nullif(tests, 'null'), commits, is_returned, is_copy
    FROM json_to_recordset((${storableJson(calls)}::text)::json) AS r (
      call_id text, message_id text, tool text, command text, called_at timestamptz, returned_at timestamptz, exit_code integer,
      is_error boolean, tests jsonb, commits text[], is_returned boolean, is_copy boolean
    )
    ON CONFLICT (session_id, call_id) DO UPDATE SET
      (subagent_id, file_id, message_id, tool, command, called_at, is_copy) = (
        SELECT x.subagent_id, x.file_id, x.message_id, x.tool, x.command, x.called_at, x.is_copy
        FROM (SELECT excluded.*) x WHERE x.message_id IS NOT NULL
        UNION ALL
        SELECT c.subagent_id, c.file_id, c.message_id, c.tool, c.command, c.called_at, c.is_copy
        LIMIT 1
      ),
      returned_at = CASE WHEN excluded.is_returned THEN excluded.returned_at ELSE c.returned_at END,
      is_error = CASE WHEN excluded.is_returned THEN excluded.is_error ELSE c.is_error END,
      exit_code = CASE WHEN excluded.is_returned THEN excluded.exit_code ELSE coalesce(excluded.exit_code, c.exit_code) END,
      tests = CASE WHEN excluded.is_returned THEN excluded.tests ELSE coalesce(excluded.tests, c.tests) END,
      commits = CASE WHEN excluded.is_returned OR excluded.commits <> '{}' THEN excluded.commits ELSE c.commits END,
      is_returned = c.is_returned OR excluded.is_returned`;
  await writeTouches(query, session_id, calls, touches);
}

async function writeTouches(
  query: Query,
  session_id: string,
  calls: StepRows["calls"],
  touches: StepRows["touches"],
): Promise<void> {
  const described = calls.flatMap(({ has_call, call_id }) => (has_call ? [call_id] : []));
  if (described.length === 0) return;
  await query`DELETE FROM file_touches WHERE session_id = ${session_id} AND call_id = ANY (${described}::text[])`;
  if (touches.length === 0) return;
  await query`
    INSERT INTO file_touches (session_id, call_id, path, reads, writes, added, removed, touched_at)
    SELECT ${session_id}, call_id, path, reads, writes, added, removed, touched_at
    FROM json_to_recordset((${storableJson(touches)}::text)::json) AS r (
      call_id text, path text, reads integer, writes integer, added integer, removed integer, touched_at timestamptz
    )`;
}
