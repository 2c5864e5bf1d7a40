import type { JsonValue } from "@wharf/transcripts";
import type { BlockTexts } from "../../search/documents-of-blocks.ts";
import type { Sql } from "../postgres.ts";

export type StoredText = BlockTexts & { message_id: string; block_order: number; ordinal: number };

/** More than what is indexed of any block. */
const TEXT_CHARACTERS_MAX = 65_536;
const RESULT_HEAD_CHARACTERS = 8_192;
const RESULT_TAIL_CHARACTERS = 2_048;
/** Of a larger input no text is shown: it would be read as a whole. */
const INPUT_BYTES_MAX = 1024 * 1024;

/** The indexed texts of these blocks, with their messages' places. */
export async function readTexts(
  sql: Sql,
  blocks: readonly { message_id: string; block: number }[],
): Promise<StoredText[]> {
  if (blocks.length === 0) return [];
  return await sql<(StoredText & { tool_input: JsonValue })[]>`
    SELECT b.message_id, b.block_order, m.ordinal, left(b.content_text, ${TEXT_CHARACTERS_MAX}) AS content_text,
      left(b.thinking_text, ${TEXT_CHARACTERS_MAX}) AS thinking_text,
      CASE WHEN length(b.result_text) <= ${RESULT_HEAD_CHARACTERS + RESULT_TAIL_CHARACTERS} THEN b.result_text
        ELSE left(b.result_text, ${RESULT_HEAD_CHARACTERS}) || E'\n' || right(b.result_text, ${RESULT_TAIL_CHARACTERS})
      END AS result_text,
      CASE WHEN pg_column_size(b.tool_input) <= ${INPUT_BYTES_MAX} THEN b.tool_input END AS tool_input
    FROM unnest(${blocks.map(({ message_id }) => message_id)}::text[], ${blocks.map(({ block }) => block)}::integer[])
      AS wanted (message_id, block_order)
    JOIN content_blocks b USING (message_id, block_order)
    JOIN transcript_messages m ON m.id = b.message_id`;
}

/** The texts of documents that are of no message, by the ids of the documents. */
export async function readSessionTexts(sql: Sql, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await sql<{ id: string; text: string | null }[]>`
    SELECT d.id::text, left(CASE d.kind WHEN 'title' THEN s.title WHEN 'prompt' THEN s.initial_prompt
      WHEN 'summary' THEN s.summary ELSE g.message END, ${TEXT_CHARACTERS_MAX}) AS text
    FROM search_documents d JOIN sessions s ON s.id = d.session_id LEFT JOIN git_activity g ON g.id = d.commit_id
    WHERE d.id = ANY (${[...ids]}::text[]::bigint[])`;
  return new Map(rows.map(({ id, text }) => [id, text ?? ""]));
}
