import type { SessionFile } from "@wharf/protocol";
import type { JsonValue } from "@wharf/transcripts";
import type { Sql } from "../../postgres.ts";
import { isOfOwnFiles } from "../../transcripts/facts/own-files.ts";

/** Writing calls of one file in one response. */
export const HUNKS_MAX = 50;
/** A longer input is not read for its change. */
const INPUT_BYTES_MAX = 64 * 1024;

/** The files of a session after `position`, by path, of the calls that its own device shows; without those of another session. */
export async function listFiles(
  sql: Sql,
  session_id: string,
  filter: { path: string | undefined },
  position: string | null,
  limit: number,
): Promise<SessionFile[]> {
  return await sql<SessionFile[]>`
    SELECT f.path, sum(f.reads)::integer AS reads, sum(f.writes)::integer AS writes, sum(f.added)::integer AS added,
      sum(f.removed)::integer AS removed, min(f.touched_at) AS first_at, max(f.touched_at) AS last_at
    FROM file_touches f
    WHERE f.session_id = ${session_id}
      ${filter.path === undefined ? sql`` : sql`AND f.path = ${filter.path}`}
      ${position === null ? sql`` : sql`AND f.path > ${position}`}
      AND EXISTS (
        SELECT FROM tool_calls t WHERE t.session_id = f.session_id AND t.call_id = f.call_id
          AND NOT t.is_copy AND ${isOfOwnFiles(sql, session_id, sql`t.file_id`)}
      )
    GROUP BY f.path ORDER BY f.path LIMIT ${limit}`;
}

/** A writing call of a file, with its input. */
export type WritingCall = {
  call_id: string;
  tool: string | null;
  message_id: string | null;
  subagent_id: string | null;
  at: string | null;
  input: JsonValue;
  is_input_long: boolean;
};

/** The latest calls that wrote a file, oldest first. */
export async function findWritingCalls(sql: Sql, session_id: string, path: string): Promise<WritingCall[]> {
  return await sql<WritingCall[]>`
    SELECT w.call_id, w.tool, w.message_id, w.subagent_id, w.at,
      CASE WHEN octet_length(b.tool_input::text) <= ${INPUT_BYTES_MAX} THEN b.tool_input END AS input,
      coalesce(octet_length(b.tool_input::text) > ${INPUT_BYTES_MAX}, false) AS is_input_long
    FROM (
      SELECT f.call_id, t.tool, t.message_id, t.subagent_id, coalesce(f.touched_at, t.called_at) AS at
      FROM file_touches f JOIN tool_calls t ON t.session_id = f.session_id AND t.call_id = f.call_id
      WHERE f.session_id = ${session_id} AND f.path = ${path} AND f.writes > 0 AND NOT t.is_copy
        AND ${isOfOwnFiles(sql, session_id, sql`t.file_id`)}
      ORDER BY coalesce(f.touched_at, t.called_at) DESC NULLS LAST, f.call_id DESC LIMIT ${HUNKS_MAX}
    ) w
    LEFT JOIN LATERAL (
      SELECT tool_input FROM content_blocks b
      WHERE b.message_id = w.message_id AND b.tool_use_id = w.call_id AND b.block_type = 'tool_use' LIMIT 1
    ) b ON true
    ORDER BY w.at NULLS FIRST, w.call_id`;
}
