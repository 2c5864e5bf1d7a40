import { storableJson } from "@wharf/job-runner";
import type { StepRows } from "./parsed-rows.ts";
import type { Query } from "./query.ts";

/** The generation that a step reads, and the subagent whose messages it holds. */
export type StepPlace = {
  file_id: string;
  generation: number;
  reading: number;
  session_id: string;
  device_id: string;
  subagent_id: string | null;
};

type MessageParts = Pick<StepRows, "messages" | "blocks" | "hidden" | "rewritten" | "rewinds" | "answered">;

/** Writes the messages of a step with their blocks. */
export async function writeMessages(query: Query, place: StepPlace, rows: MessageParts): Promise<void> {
  await writeHidden(query, place, rows.hidden);
  await upsertMessages(query, place, rows.messages);
  if (rows.rewritten.length > 0) await deleteBlocks(query, place, rows);
  await insertBlocks(query, place, rows.blocks);
  await answerMessages(query, place, rows.answered);
  for (const rewind of rows.rewinds) await rewindEarlier(query, place, rows, rewind);
}

async function writeHidden(
  query: Query,
  { session_id }: StepPlace,
  hidden: StepRows["hidden"],
): Promise<void> {
  if (hidden.length === 0) return;
  await query`
    INSERT INTO hidden_messages AS h (message_id, file_id, generation, session_id, reading)
    SELECT message_id, file_id, generation, ${session_id}, reading
    FROM json_to_recordset((${storableJson(hidden)}::text)::json) AS r (
      message_id text, file_id bigint, generation integer, reading integer
    )
    ON CONFLICT (message_id, file_id, generation) DO UPDATE SET reading = greatest(h.reading, excluded.reading)`;
}

/** A message that is written again by the same reading keeps its place: there, its record stood first. */
async function upsertMessages(query: Query, place: StepPlace, messages: StepRows["messages"]): Promise<void> {
  if (messages.length === 0) return;
  await query`
    INSERT INTO transcript_messages AS m (
      id, session_id, subagent_id, file_id, generation, reading, line_number, ordinal, message_type, role, kind, model, timestamp,
      sorted_at, message_key, parent_key, response_key, raw_message, metadata, compact_sequence, has_text, has_thinking,
      has_tool_use, has_tool_result, is_copy, is_sidechain, is_rewound
    )
    SELECT id, ${place.session_id}, ${place.subagent_id}, ${place.file_id}::bigint, ${place.generation}::integer,
      ${place.reading}::integer, line_number, ordinal, message_type, role, kind, model, timestamp,
      coalesce(sorted_at, '-infinity'), message_key, parent_key, response_key, nullif(raw_message, 'null'), metadata,
      compact_sequence, has_text, has_thinking, has_tool_use, has_tool_result, is_copy, is_sidechain, is_rewound
    FROM json_to_recordset((${storableJson(messages)}::text)::json) AS r (
      id text, line_number integer, ordinal integer, message_type text, role text, kind text, model text, timestamp timestamptz,
      sorted_at timestamptz, message_key text, parent_key text, response_key text, raw_message jsonb, metadata jsonb,
      compact_sequence integer, has_text boolean, has_thinking boolean, has_tool_use boolean, has_tool_result boolean,
      is_copy boolean, is_sidechain boolean, is_rewound boolean
    )
    ON CONFLICT (id) DO UPDATE SET
      (ordinal, sorted_at, compact_sequence) = (
        SELECT
          CASE WHEN is_same THEN m.ordinal ELSE excluded.ordinal END,
          CASE WHEN is_same THEN m.sorted_at ELSE excluded.sorted_at END,
          CASE WHEN is_same THEN m.compact_sequence ELSE excluded.compact_sequence END
        FROM (SELECT (m.file_id, m.generation, m.reading) = (excluded.file_id, excluded.generation, excluded.reading)) AS a (is_same)
      ),
      file_id = excluded.file_id, generation = excluded.generation, reading = excluded.reading,
      line_number = excluded.line_number, message_type = excluded.message_type, role = excluded.role, kind = excluded.kind,
      model = excluded.model, timestamp = excluded.timestamp, parent_key = excluded.parent_key,
      response_key = coalesce(excluded.response_key, m.response_key), raw_message = excluded.raw_message, metadata = excluded.metadata,
      has_text = excluded.has_text, has_thinking = excluded.has_thinking, has_tool_use = excluded.has_tool_use,
      has_tool_result = excluded.has_tool_result, is_copy = excluded.is_copy, is_sidechain = excluded.is_sidechain,
      is_rewound = excluded.is_rewound`;
}

/** Of messages that are written again; a call that is in none of the new blocks goes with them. */
async function deleteBlocks(
  query: Query,
  { session_id }: StepPlace,
  { rewritten, blocks }: MessageParts,
): Promise<void> {
  const calls = blocks.flatMap(({ tool_use_id }) => tool_use_id ?? []);
  await query`
    WITH gone AS (
      DELETE FROM content_blocks WHERE message_id = ANY (${rewritten}::text[]) RETURNING message_id, tool_use_id
    ),
    calls AS (
      DELETE FROM tool_calls c USING gone
      WHERE c.session_id = ${session_id} AND c.call_id = gone.tool_use_id AND c.message_id = gone.message_id
        AND c.call_id <> ALL (${calls}::text[])
      RETURNING c.call_id
    )
    DELETE FROM file_touches t USING calls WHERE t.session_id = ${session_id} AND t.call_id = calls.call_id`;
}

async function insertBlocks(
  query: Query,
  { session_id, subagent_id }: StepPlace,
  blocks: StepRows["blocks"],
): Promise<void> {
  if (blocks.length === 0) return;
  await query`
    INSERT INTO content_blocks (
      id, message_id, session_id, subagent_id, block_order, block_type, content_text, thinking_text, tool_name, tool_use_id,
      tool_input, tool_result_id, is_error, result_text, result_s3_key, metadata
    )
    SELECT id, message_id, ${session_id}, ${subagent_id}, block_order, block_type, content_text, thinking_text, tool_name, tool_use_id,
      nullif(tool_input, 'null'), tool_result_id, is_error, result_text, result_s3_key, metadata
    FROM json_to_recordset((${storableJson(blocks)}::text)::json) AS r (
      id text, message_id text, block_order integer, block_type text, content_text text, thinking_text text, tool_name text,
      tool_use_id text, tool_input jsonb, tool_result_id text, is_error boolean, result_text text, result_s3_key text,
      metadata jsonb
    )`;
}

/** Of messages of earlier steps, and of those that another file shows, which may end before their response. */
async function answerMessages(
  query: Query,
  { file_id, generation, reading }: StepPlace,
  answered: StepRows["answered"],
): Promise<void> {
  if (answered.length === 0) return;
  await query`
    UPDATE transcript_messages m SET response_key = r.response_key
    FROM json_to_recordset((${storableJson(answered)}::text)::json) AS r (message_id text, response_key text)
    WHERE m.id = r.message_id AND m.response_key IS DISTINCT FROM r.response_key AND (
      m.response_key IS NULL
      OR (m.file_id, m.generation, m.reading) = (${file_id}::bigint, ${generation}::integer, ${reading}::integer)
    )`;
}

/** Takes messages of earlier steps out of view. */
async function rewindEarlier(
  query: Query,
  { file_id, generation }: StepPlace,
  { messages }: MessageParts,
  { from_ordinal, turns }: StepRows["rewinds"][number],
): Promise<void> {
  if (turns === 0) return;
  const written = messages.map(({ id }) => id);
  await query`
    UPDATE transcript_messages m SET is_rewound = true
    WHERE m.file_id = ${file_id}::bigint AND m.generation = ${generation}::integer AND m.id <> ALL (${written}::text[])
      AND NOT m.is_rewound AND m.ordinal >= coalesce(${from_ordinal}::integer, (
        SELECT ordinal FROM transcript_messages p
        WHERE p.file_id = ${file_id}::bigint AND p.generation = ${generation}::integer AND p.id <> ALL (${written}::text[])
          AND p.kind IN ('prompt', 'task') AND NOT p.is_rewound
        ORDER BY ordinal DESC OFFSET ${(turns ?? 1) - 1}::integer LIMIT 1
      ), 0)`;
}
