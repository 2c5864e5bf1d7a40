import { storableJson } from "@wharf/job-runner";
import type { IndexedBlock, IndexedMessage } from "../../search/documents-of-blocks.ts";
import type { Sql } from "../postgres.ts";
import type { Query } from "./query.ts";
import type { FileGeneration } from "./segments.ts";

/** A block whose result is in a file of its own, which is held. */
export type SpilledResult = FileGeneration & {
  block_id: string;
  message_id: string;
  device_id: string;
  stored_bytes: number;
  call_id: string | null;
  /** Of its call, where that is known. */
  command: string | null;
  exit_code: number | null;
};

/**
 * Up to `limit` blocks of a session that do not show the file of their result as it is held now: that of the device whose record they
 * show, otherwise that of the device with the smallest id.
 */
export async function findSpilled(
  sql: Sql,
  session_id: string,
  leftOut: readonly string[],
  limit: number,
): Promise<SpilledResult[]> {
  return await sql<SpilledResult[]>`
    SELECT b.id AS block_id, b.message_id, f.id::text AS file_id, f.generation, f.device_id, g.stored_bytes::float8,
      c.call_id, c.command, c.exit_code
    FROM content_blocks b JOIN transcript_messages m ON m.id = b.message_id JOIN transcript_files shown ON shown.id = m.file_id
    CROSS JOIN LATERAL (
      SELECT f.* FROM transcript_files f
      WHERE f.session_id = b.session_id AND f.agent = shown.agent AND f.kind = 'tool-result'
        AND f.file = b.metadata #>> '{spilled,file}' AND f.raw_pruned_at IS NULL
      ORDER BY f.device_id <> shown.device_id, f.device_id LIMIT 1
    ) f
    JOIN transcript_generations g ON g.file_id = f.id AND g.generation = f.generation
    LEFT JOIN tool_calls c ON c.session_id = b.session_id AND c.call_id = b.tool_result_id
    WHERE b.session_id = ${session_id} AND b.metadata ? 'spilled' AND g.stored_bytes > 0 AND b.id <> ALL (${[...leftOut]}::text[])
      AND (b.metadata #> '{spilled,shown}') IS DISTINCT FROM
        jsonb_build_object('device_id', f.device_id, 'generation', f.generation, 'stored_bytes', g.stored_bytes)
    ORDER BY b.id LIMIT ${limit}::integer`;
}

export type FilledResult = Pick<
  SpilledResult,
  "block_id" | "device_id" | "generation" | "stored_bytes" | "call_id"
> & {
  text: string;
  exit_code: number | null;
  tests: unknown;
  commits: readonly string[];
};

/** Writes the texts of results, and what they show of their calls. */
export async function writeFilled(
  query: Query,
  session_id: string,
  filled: readonly FilledResult[],
): Promise<void> {
  await query`
    WITH filled AS (
      SELECT * FROM json_to_recordset((${storableJson(filled)}::text)::json) AS r (
        block_id text, device_id text, generation integer, stored_bytes bigint, call_id text, text text, exit_code integer, tests jsonb,
        commits text[]
      )
    ),
    calls AS (
      UPDATE tool_calls c SET exit_code = f.exit_code, tests = nullif(f.tests, 'null'), commits = f.commits
      FROM filled f WHERE c.session_id = ${session_id} AND c.call_id = f.call_id
    )
    UPDATE content_blocks b SET result_text = f.text, metadata = jsonb_set(b.metadata, '{spilled,shown}', jsonb_build_object(
      'device_id', f.device_id, 'generation', f.generation, 'stored_bytes', f.stored_bytes
    ))
    FROM filled f WHERE b.id = f.block_id AND b.metadata ? 'spilled'`;
}

/** What is searched of these messages. */
export async function readIndexed(
  query: Query,
  message_ids: readonly string[],
): Promise<{ messages: IndexedMessage[]; blocks: IndexedBlock[] }> {
  const ids = [...message_ids];
  const messages = await query<IndexedMessage[]>`
    SELECT id, kind, model, is_copy FROM transcript_messages WHERE id = ANY (${ids}::text[])`;
  const blocks = await query<IndexedBlock[]>`
    SELECT message_id, block_order, block_type, tool_name, is_error, content_text, thinking_text, tool_input, result_text
    FROM content_blocks WHERE message_id = ANY (${ids}::text[]) ORDER BY message_id, block_order`;
  return { messages, blocks };
}

export async function isDeleted(query: Query, session_id: string): Promise<boolean> {
  const rows = await query`SELECT FROM sessions WHERE id = ${session_id} AND deleted_at IS NULL`;
  return rows.length === 0;
}
