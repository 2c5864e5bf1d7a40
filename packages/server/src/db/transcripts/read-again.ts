import type { ReparseFilter } from "@wharf/protocol";
import { sessionChange } from "../ingest/change-log.ts";
import type { Fragment, Sql } from "../postgres.ts";

/**
 * CTEs that begin a new reading of all files of these sessions: `files` are those that can be read again. What the former reading wrote
 * stays until the new one is complete.
 */
export function newReading(sql: Sql, session_ids: Fragment): Fragment {
  return sql`
    files AS (
      UPDATE transcript_files SET reading = reading + 1, has_stale_rows = true
      WHERE raw_pruned_at IS NULL AND session_id IN (${session_ids})
      RETURNING id, session_id
    ),
    generations AS (
      UPDATE transcript_generations g SET parsed_bytes = 0, parsed_lines = 0, parser_state = NULL, counts = '{}'
      FROM files WHERE g.file_id = files.id
    ),
    turns AS (DELETE FROM transcript_turns WHERE session_id IN (SELECT session_id FROM files))`;
}

/** Begins a new reading of all files of a session. False: there is no such session, or it has no transcript. */
export async function requestReading(sql: Sql, session_id: string): Promise<boolean> {
  const rows = await sql`
    WITH ${newReading(sql, sql`SELECT id FROM sessions WHERE id = ${session_id} AND deleted_at IS NULL`)},
    patched AS (
      UPDATE sessions SET
        parse_status = 'pending',
        parse_error = NULL,
        lifecycle = CASE
          WHEN lifecycle NOT IN ('failed', 'parsed', 'summarized', 'archived') THEN lifecycle
          WHEN ended_at IS NULL AND start_reported_at IS NULL THEN 'detected'
          WHEN ended_at IS NULL THEN 'capturing'
          ELSE 'ended' END,
        updated_at = now()
      WHERE id = ${session_id} AND EXISTS (SELECT FROM files)
      RETURNING id, workspace_id
    ),
    change AS (${sessionChange(sql)})
    SELECT id FROM patched`;
  return rows.length > 0;
}

/** Up to `limit` sessions with transcripts that match, after `after`, in the order of their ids. */
export async function findSessionsToReadAgain(
  sql: Sql,
  filter: ReparseFilter,
  after: string,
  limit: number,
): Promise<string[]> {
  const { agent, workspace_id, device_id, parser_version_below, ids } = filter;
  const rows = await sql<{ id: string }[]>`
    SELECT s.id FROM sessions s
    WHERE s.id > ${after} AND s.deleted_at IS NULL AND EXISTS (SELECT FROM transcript_files f WHERE f.session_id = s.id
      ${agent === undefined ? sql`` : sql`AND f.agent = ${agent}`})
      ${workspace_id === undefined ? sql`` : sql`AND s.workspace_id = ${workspace_id}`}
      ${device_id === undefined ? sql`` : sql`AND s.device_id = ${device_id}`}
      ${parser_version_below === undefined ? sql`` : sql`AND coalesce(s.parser_version, 0) < ${parser_version_below}::integer`}
      ${ids === undefined ? sql`` : sql`AND s.id = ANY (${[...ids]}::text[])`}
    ORDER BY s.id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}
