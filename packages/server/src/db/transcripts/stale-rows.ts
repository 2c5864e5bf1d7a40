import type { Sql } from "../postgres.ts";
import type { ResponseKey } from "../usage/response-costs.ts";
import type { Query } from "./query.ts";

/** A file whose new reading is complete: rows of former ones can be deleted. */
export type ReadFile = { file_id: string; reading: number };

/** The files of a session with rows of a former reading, if all its bytes are parsed. */
export async function findReadAgain(sql: Sql, session_id: string): Promise<ReadFile[]> {
  return await sql<ReadFile[]>`
    SELECT id::text AS file_id, reading FROM transcript_files
    WHERE session_id = ${session_id} AND has_stale_rows AND NOT EXISTS (
      SELECT FROM transcript_generations WHERE session_id = ${session_id} AND parsed_bytes < stored_bytes
    )`;
}

export type StalePiece = (sql: Sql, file: ReadFile, rowsMax: number) => Promise<number>;

export const STALE_PIECES: readonly StalePiece[] = [
  async (sql, { file_id, reading }, rowsMax) => {
    const { count } = await sql`
      DELETE FROM hidden_messages WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM hidden_messages WHERE file_id = ${file_id}::bigint AND reading < ${reading}::integer LIMIT ${rowsMax}
      ))`;
    return count;
  },
  async (sql, { file_id, reading }, rowsMax) => {
    const { count } = await sql`
      DELETE FROM transcript_facts WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM transcript_facts WHERE file_id = ${file_id}::bigint AND reading < ${reading}::integer LIMIT ${rowsMax}
      ))`;
    return count;
  },
];

/** Deletes messages with their blocks, calls and touches. `is_needed`: another file has a hidden record of one of them. */
export async function deleteStaleMessages(
  sql: Sql,
  { file_id, reading }: ReadFile,
  rowsMax: number,
): Promise<{ rows: number; is_needed: boolean }> {
  const [piece] = await sql<{ rows: number; is_needed: boolean }[]>`
    WITH gone AS (
      DELETE FROM transcript_messages WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM transcript_messages
        WHERE file_id = ${file_id}::bigint AND reading < ${reading}::integer LIMIT ${rowsMax}
      ))
      RETURNING id, session_id
    ),
    blocks AS (SELECT b.message_id, b.session_id, b.tool_use_id FROM content_blocks b JOIN gone ON gone.id = b.message_id),
    calls AS (
      DELETE FROM tool_calls c USING blocks b
      WHERE c.session_id = b.session_id AND c.call_id = b.tool_use_id AND c.message_id = b.message_id
      RETURNING c.session_id, c.call_id
    ),
    touches AS (
      DELETE FROM file_touches t USING calls WHERE t.session_id = calls.session_id AND t.call_id = calls.call_id
    )
    SELECT count(*)::int AS rows, EXISTS (SELECT FROM hidden_messages h JOIN gone ON gone.id = h.message_id) AS is_needed
    FROM gone`;
  return piece ?? { rows: 0, is_needed: false };
}

/** Deletes what a former reading saw of responses, and returns their keys, which are to be folded in the same transaction. */
export async function deleteStaleSightings(
  query: Query,
  { file_id, reading }: ReadFile,
  rowsMax: number,
): Promise<ResponseKey[]> {
  return await query<ResponseKey[]>`
    DELETE FROM response_sightings WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM response_sightings WHERE file_id = ${file_id}::bigint AND reading < ${reading}::integer LIMIT ${rowsMax}
    ))
    RETURNING agent, response_key`;
}

/** No row of a former reading is left. */
export async function noteNoStaleRows(sql: Sql, { file_id, reading }: ReadFile): Promise<void> {
  await sql`UPDATE transcript_files SET has_stale_rows = false WHERE id = ${file_id}::bigint AND reading = ${reading}::integer`;
}
