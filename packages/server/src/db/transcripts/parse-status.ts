import { sessionChange } from "../ingest/change-log.ts";
import type { Sql } from "../postgres.ts";

/**
 * Notes that a session is being parsed, for those who read it live. Where more of an ended session arrived, it is summarized again
 * afterwards.
 */
export async function noteParsing(sql: Sql, session_id: string): Promise<void> {
  await sql`
    WITH patched AS (
      UPDATE sessions SET parse_status = 'parsing', parse_error = NULL, updated_at = now(),
        lifecycle = CASE WHEN lifecycle IN ('parsed', 'summarized') AND EXISTS (
          SELECT FROM transcript_generations g WHERE g.session_id = sessions.id AND g.parsed_bytes < g.stored_bytes
        ) THEN 'ended' ELSE lifecycle END
      WHERE id = ${session_id} AND deleted_at IS NULL AND parse_status IS DISTINCT FROM 'parsing'
      RETURNING id, workspace_id
    ),
    change AS (${sessionChange(sql)})
    SELECT`;
}

/** `is_final`: no attempt follows. The session then stays failed until it is parsed again. */
export async function noteParseFailure(
  sql: Sql,
  session_id: string,
  parse_error: string,
  is_final: boolean,
): Promise<void> {
  await sql`
    WITH patched AS (
      UPDATE sessions SET parse_status = 'failed', parse_error = ${parse_error},
        lifecycle = CASE WHEN ${is_final} THEN 'failed' ELSE lifecycle END, updated_at = now()
      WHERE id = ${session_id} AND deleted_at IS NULL
      RETURNING id, workspace_id
    ),
    change AS (${sessionChange(sql)})
    SELECT`;
}
