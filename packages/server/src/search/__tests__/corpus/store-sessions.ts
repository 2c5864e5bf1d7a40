import { storableJson } from "@wharf/job-runner";
import type { Block, Message } from "@wharf/transcripts";
import type { Connection } from "../../../db/connection.ts";
import { writeDocuments } from "../../write-documents.ts";
import type { CorpusSession } from "./generate-sessions.ts";

const WORKSPACES = 20;
const DEVICES = 5;

export type StoredSession = Pick<CorpusSession, "id" | "number" | "title" | "startedAt" | "messages">;

/** Writes sessions as the parsing of their transcripts leaves them, with their documents. Titles are left to the job. */
export async function storeSessions(
  query: Connection["query"],
  sessions: readonly StoredSession[],
): Promise<void> {
  await storeParents(query);
  await query`
    WITH added AS (
      INSERT INTO sessions (id, workspace_id, device_id, started_at, title, agent)
      SELECT id, 'w' || number % ${WORKSPACES}::integer, 'd' || number % ${DEVICES}::integer, started_at, title, 'claude-code'
      FROM json_to_recordset((${storableJson(
        sessions.map(({ id, number, title, startedAt }) => ({
          id,
          number,
          title,
          started_at: startedAt.toISOString(),
        })),
      )}::text)::json) AS s (id text, number integer, title text, started_at timestamptz)
      RETURNING id, device_id
    )
    INSERT INTO transcript_files (session_id, agent, device_id, file, kind)
    SELECT id, 'claude-code', device_id, 'main.jsonl', 'main' FROM added`;
  const messages = sessions.flatMap(({ id, messages: of }) =>
    of.map((message, index) => messageRow(id, message, index)),
  );
  const blocks = sessions.flatMap(({ messages: of }) =>
    of.flatMap((message) => message.blocks.map((block, index) => blockRow(message.key, block, index))),
  );
  await query`
    INSERT INTO transcript_messages (id, session_id, file_id, line_number, ordinal, message_type, kind, model, timestamp, is_copy)
    SELECT m.id, m.session_id, f.id, m.ordinal, m.ordinal, 'user', m.kind, m.model, m.timestamp, m.is_copy
    FROM json_to_recordset((${storableJson(messages)}::text)::json)
      AS m (id text, session_id text, ordinal integer, kind text, model text, timestamp timestamptz, is_copy boolean)
    JOIN transcript_files f ON f.session_id = m.session_id`;
  await query`
    INSERT INTO content_blocks (
      id, message_id, session_id, block_order, block_type, content_text, thinking_text, tool_name, tool_input, result_text, is_error
    )
    SELECT b.message_id || '/' || b.block_order, b.message_id, m.session_id, b.block_order, b.block_type, b.content_text,
      b.thinking_text, b.tool_name, b.tool_input, b.result_text, b.is_error
    FROM json_to_recordset((${storableJson(blocks)}::text)::json) AS b (
      message_id text, block_order integer, block_type text, content_text text, thinking_text text, tool_name text,
      tool_input jsonb, result_text text, is_error boolean
    )
    JOIN transcript_messages m ON m.id = b.message_id`;
  await writeDocuments(query, { messages, blocks });
}

async function storeParents(query: Connection["query"]): Promise<void> {
  await query`
    INSERT INTO workspaces (id, canonical_id, display_name)
    SELECT 'w' || n, 'github.com/acme/site-' || n, 'site-' || n FROM generate_series(0, ${WORKSPACES - 1}::integer) AS n
    ON CONFLICT DO NOTHING`;
  await query`
    INSERT INTO devices (id, name, type)
    SELECT 'd' || n, 'machine ' || n, 'local' FROM generate_series(0, ${DEVICES - 1}::integer) AS n
    ON CONFLICT DO NOTHING`;
}

function messageRow(session_id: string, { key, kind, model, at, is_copy }: Message, ordinal: number) {
  return { id: key, session_id, ordinal, kind, model, timestamp: at, is_copy };
}

function blockRow(message_id: string, { type, text, tool, input, is_error }: Block, block_order: number) {
  return {
    message_id,
    block_order,
    block_type: type,
    content_text: type === "text" ? text : null,
    thinking_text: type === "thinking" ? text : null,
    tool_name: tool,
    tool_input: input,
    result_text: type === "tool_result" ? text : null,
    is_error,
  };
}
