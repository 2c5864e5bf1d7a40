import { one } from "@wharf/job-runner";
import type { Sql } from "../../db/postgres.ts";

export type BlockToAdd = {
  block_type: string;
  content_text?: string;
  thinking_text?: string;
  tool_name?: string;
  tool_use_id?: string;
  tool_input?: unknown;
  tool_result_id?: string;
  result_text?: string;
  is_error?: boolean;
};

export type MessageToAdd = {
  id: string;
  kind: string;
  /** Seconds after 2025-03-14T10:00Z. Default: the message's number. */
  at_s?: number;
  response_key?: string;
  is_rewound?: boolean;
  is_copy?: boolean;
  subagent_id?: string;
  blocks?: readonly BlockToAdd[];
};

export type TranscriptToAdd = {
  session_id: string;
  /** Default: `laptop`. */
  device_id?: string;
  file?: string;
  messages: readonly MessageToAdd[];
};

const START_MS = Date.UTC(2025, 2, 14, 10);
const TYPES: Readonly<Record<string, string>> = {
  assistant: "assistant",
  compaction: "summary",
  context: "system",
  system: "system",
};

/** Text, in the short form that most tests need. */
export const text = (content_text: string): BlockToAdd => ({ block_type: "text", content_text });
export const call = (tool_use_id: string, tool_name: string, tool_input: unknown = {}): BlockToAdd => ({
  block_type: "tool_use",
  tool_use_id,
  tool_name,
  tool_input,
});

/** The file of a transcript, with the session that it belongs to; answers with its id. */
export async function addFile(
  sql: Sql,
  { session_id, device_id = "laptop", file = "main.jsonl" }: Omit<TranscriptToAdd, "messages">,
): Promise<string> {
  await sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'github.com/acme/site', 'site') ON CONFLICT DO NOTHING`;
  await sql`INSERT INTO devices (id, name, type) VALUES (${device_id}, ${device_id}, 'local') ON CONFLICT DO NOTHING`;
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at)
    VALUES (${session_id}, 'w', ${device_id}, '2025-03-14T10:00:00Z') ON CONFLICT DO NOTHING`;
  const { id } = one(
    await sql<{ id: string }[]>`
      INSERT INTO transcript_files (session_id, agent, device_id, file, kind)
      VALUES (${session_id}, 'claude-code', ${device_id}, ${file}, 'main')
      ON CONFLICT (session_id, agent, device_id, file) DO UPDATE SET kind = excluded.kind RETURNING id::text`,
  );
  return id;
}

/** Writes messages and their blocks as the parse job leaves them. */
export async function addMessages(sql: Sql, transcript: TranscriptToAdd): Promise<string> {
  const { session_id, messages } = transcript;
  const file_id = await addFile(sql, transcript);
  const rows = messages.map(({ blocks = [], ...message }, index) => {
    const timestamp = new Date(START_MS + (message.at_s ?? index) * 1000).toISOString();
    const has = (type: string) => blocks.some(({ block_type }) => block_type === type);
    return {
      ...{ response_key: null, is_rewound: false, is_copy: false, subagent_id: null, ...message },
      ...{
        timestamp,
        sorted_at: timestamp,
        ordinal: index + 1,
        line_number: index + 1,
        message_key: message.id,
      },
      message_type: TYPES[message.kind] ?? "user",
      has_text: has("text"),
      has_thinking: has("thinking"),
      has_tool_use: has("tool_use"),
      has_tool_result: has("tool_result"),
    };
  });
  await sql`
    INSERT INTO transcript_messages (id, session_id, subagent_id, file_id, generation, line_number, ordinal, message_type, kind,
      message_key, response_key, timestamp, sorted_at, is_rewound, is_copy, has_text, has_thinking, has_tool_use, has_tool_result)
    SELECT id, ${session_id}, subagent_id, ${file_id}::bigint, 1, line_number, ordinal, message_type, kind, message_key, response_key,
      timestamp, sorted_at, is_rewound, is_copy, has_text, has_thinking, has_tool_use, has_tool_result
    FROM json_to_recordset((${JSON.stringify(rows)}::text)::json) AS r (id text, subagent_id text, line_number int, ordinal int,
      message_type text, kind text, message_key text, response_key text, timestamp timestamptz, sorted_at timestamptz,
      is_rewound boolean, is_copy boolean, has_text boolean, has_thinking boolean, has_tool_use boolean, has_tool_result boolean)`;
  const blocks = messages.flatMap(({ id, subagent_id = null, blocks: ofMessage = [] }) =>
    ofMessage.map((block, block_order) => ({
      id: `${id}-${block_order}`,
      message_id: id,
      subagent_id,
      block_order,
      ...block,
    })),
  );
  await sql`
    INSERT INTO content_blocks (id, message_id, session_id, subagent_id, block_order, block_type, content_text, thinking_text,
      tool_name, tool_use_id, tool_input, tool_result_id, result_text, is_error)
    SELECT id, message_id, ${session_id}, subagent_id, block_order, block_type, content_text, thinking_text,
      tool_name, tool_use_id, tool_input, tool_result_id, result_text, is_error
    FROM json_to_recordset((${JSON.stringify(blocks)}::text)::json) AS r (id text, message_id text, subagent_id text, block_order int,
      block_type text, content_text text, thinking_text text, tool_name text, tool_use_id text, tool_input jsonb, tool_result_id text,
      result_text text, is_error boolean)`;
  return file_id;
}

export type CallToAdd = {
  session_id: string;
  call_id: string;
  tool: string;
  command?: string;
  is_returned?: boolean;
  is_error?: boolean;
  exit_code?: number;
  subagent_id?: string;
  message_id?: string;
  called_at?: string;
  returned_at?: string;
  touches?: readonly {
    path: string;
    reads?: number;
    writes?: number;
    added?: number | null;
    removed?: number | null;
  }[];
};

/** A call and the files that it touched, as the parse job leaves them. */
export async function addCall(sql: Sql, file_id: string, added: CallToAdd): Promise<void> {
  const { session_id, call_id, touches = [] } = added;
  await sql`
    INSERT INTO tool_calls (session_id, call_id, subagent_id, file_id, message_id, tool, command, is_returned, is_error, exit_code,
      called_at, returned_at)
    VALUES (${session_id}, ${call_id}, ${added.subagent_id ?? null}, ${file_id}::bigint, ${added.message_id ?? null}, ${added.tool},
      ${added.command ?? null}, ${added.is_returned ?? true}, ${added.is_error ?? null}, ${added.exit_code ?? null},
      ${added.called_at ?? null}, ${added.returned_at ?? null})`;
  for (const { path, reads = 0, writes = 0, added: lines = null, removed = null } of touches)
    await sql`
      INSERT INTO file_touches (session_id, call_id, path, reads, writes, added, removed)
      VALUES (${session_id}, ${call_id}, ${path}, ${reads}, ${writes}, ${lines}, ${removed})`;
}

/** A response whose owner is this session. */
export async function addResponse(
  sql: Sql,
  {
    session_id,
    key,
    input = 10,
    output = 5,
  }: { session_id: string; key: string; input?: number; output?: number },
): Promise<void> {
  await sql`
    INSERT INTO model_responses (agent, response_key, session_id, file, model, input, output, cache_read, cache_write_5m, cache_write_1h,
      is_lower_bound, cost_usd)
    VALUES ('claude-code', ${key}, ${session_id}, 'main.jsonl', 'sonnet-5', ${input}, ${output}, 100, 7, 3, false, 0.25)`;
  await sql`
    INSERT INTO response_sightings (agent, response_key, file_id, session_id, is_lower_bound, is_copy, is_sidechain)
    SELECT 'claude-code', ${key}, id, session_id, false, false, false FROM transcript_files
    WHERE session_id = ${session_id} AND file = 'main.jsonl'`;
}
