import { one } from "@wharf/job-runner";
import { INITIAL_PROMPT_CHARACTERS_MAX } from "@wharf/protocol";
import type { Fragment, Sql } from "../../postgres.ts";
import { wireTime } from "../../wire-time.ts";
import { isOfOwnFiles } from "./own-files.ts";

/** Of the messages that its own files show of a session and its subagents, without copies from other sessions. */
export type MessageFacts = {
  first_at: string | null;
  last_at: string | null;
  wall_ms: number;
  /** Without gaps in which neither a person nor the agent wrote anything. */
  active_ms: number;
  rewound: number;
  interruptions: number;
  commands: number;
  shell_commands: number;
};

/** The last message of the session itself that shows whether the agent works. */
export type LastMessage = { kind: string; at: string; has_tool_use: boolean };

/** Of a longer silence nothing counts as active. */
const ACTIVE_GAP_MS = 5 * 60_000;

export async function readMessageFacts(sql: Sql, session_id: string): Promise<MessageFacts> {
  const ms = (interval: Fragment) => sql`1000 * extract(epoch FROM ${interval})`;
  const rows = await sql<MessageFacts[]>`
    SELECT ${wireTime(sql, sql`min(timestamp)`)} AS first_at, ${wireTime(sql, sql`max(timestamp)`)} AS last_at,
      coalesce(${ms(sql`max(timestamp) - min(timestamp)`)}, 0)::float8 AS wall_ms,
      coalesce(sum(${ms(sql`gap`)}) FILTER (WHERE ${ms(sql`gap`)} <= ${ACTIVE_GAP_MS}), 0)::float8 AS active_ms,
      count(*) FILTER (WHERE is_rewound)::int AS rewound,
      count(*) FILTER (WHERE kind = 'interruption')::int AS interruptions,
      count(*) FILTER (WHERE kind = 'command')::int AS commands,
      count(*) FILTER (WHERE kind = 'shell_command')::int AS shell_commands
    FROM (
      SELECT kind, is_rewound, timestamp, timestamp - lag(timestamp) OVER (ORDER BY timestamp) AS gap
      FROM transcript_messages
      WHERE session_id = ${session_id} AND NOT is_copy AND ${isOfOwnFiles(sql, session_id, sql`file_id`)}
    ) own`;
  return one(rows);
}

/** Notes of the agent may stand behind it. */
const LAST_MESSAGES_READ = 200;

export async function readLastMessage(sql: Sql, session_id: string): Promise<LastMessage | null> {
  const [row] = await sql<LastMessage[]>`
    SELECT kind, ${wireTime(sql, sql`timestamp`)} AS at, has_tool_use
    FROM (
      SELECT m.* FROM transcript_messages m WHERE m.session_id = ${session_id} AND coalesce(m.subagent_id, '') = ''
        AND ${isOfOwnFiles(sql, session_id, sql`m.file_id`)}
      ORDER BY m.sorted_at DESC, m.ordinal DESC, m.id DESC LIMIT ${LAST_MESSAGES_READ}
    ) m
    WHERE kind IN ('prompt', 'command', 'shell_command', 'interruption', 'tool_result', 'assistant')
      AND NOT is_copy AND NOT is_rewound AND timestamp IS NOT NULL
    ORDER BY sorted_at DESC, ordinal DESC, id DESC LIMIT 1`;
  return row ?? null;
}

/** Also one that a resumed session has copied. */
export async function readFirstPrompt(sql: Sql, session_id: string): Promise<string | null> {
  return await readPrompt(sql, session_id, sql`ORDER BY m.sorted_at, m.ordinal, m.id`);
}

export async function readLastPrompt(sql: Sql, session_id: string): Promise<string | null> {
  return await readPrompt(
    sql,
    session_id,
    sql`AND NOT m.is_rewound ORDER BY m.sorted_at DESC, m.ordinal DESC, m.id DESC`,
  );
}

async function readPrompt(sql: Sql, session_id: string, inOrder: Fragment): Promise<string | null> {
  const [row] = await sql<{ text: string }[]>`
    SELECT left(b.content_text, ${INITIAL_PROMPT_CHARACTERS_MAX}) AS text
    FROM (
      SELECT m.id FROM transcript_messages m
      WHERE m.session_id = ${session_id} AND coalesce(m.subagent_id, '') = '' AND m.kind = 'prompt' AND m.has_text
        AND ${isOfOwnFiles(sql, session_id, sql`m.file_id`)} ${inOrder} LIMIT 1
    ) m
    CROSS JOIN LATERAL (
      SELECT content_text FROM content_blocks
      WHERE message_id = m.id AND block_type = 'text' AND content_text <> '' ORDER BY block_order LIMIT 1
    ) b`;
  return row?.text ?? null;
}

/** The time of the first message that is not copied. */
export async function readStart(sql: Sql, session_id: string): Promise<string | null> {
  const [row] = await sql<{ first_at: string }[]>`
    SELECT ${wireTime(sql, sql`m.timestamp`)} AS first_at FROM transcript_messages m
    WHERE m.session_id = ${session_id} AND coalesce(m.subagent_id, '') = '' AND NOT m.is_copy AND m.timestamp IS NOT NULL
      AND ${isOfOwnFiles(sql, session_id, sql`m.file_id`)}
    ORDER BY m.sorted_at, m.ordinal, m.id LIMIT 1`;
  return row?.first_at ?? null;
}
