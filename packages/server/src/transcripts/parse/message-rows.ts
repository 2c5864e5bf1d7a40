import type { Block, Message, MessageKind } from "@wharf/transcripts";
import type { BlockRow, MessageRow } from "../../db/transcripts/parsed-rows.ts";
import { isoOf, keyOf, md5, nullableKeyOf, storableDepth, timeOf } from "./values.ts";

/** The kind of the message that keeps a record of an unknown type raw. */
export const UNKNOWN_KIND = "unknown";
/** A parser's key for a record without an id of the agent. */
const LINE_KEY = /^line-\d+$/;

const TYPES: Record<MessageKind, MessageRow["message_type"]> = {
  prompt: "user",
  command: "user",
  shell_command: "user",
  interruption: "user",
  task: "user",
  tool_result: "user",
  assistant: "assistant",
  compaction: "summary",
  context: "system",
  system: "system",
};

/** Whose messages have distinct keys: a session, or one of its subagents. */
export type MessageScope = { session_id: string; subagent_id: string | null };

/**
 * The key of a message in its session. A record without an id is known by its content, so that another device's copy of the file, or its
 * next generation, does not double it: with its time, or where it has none, with its line.
 */
export function messageKey(message: Message): string {
  if (!LINE_KEY.test(message.key)) return keyOf(message.key);
  const { kind, at, blocks } = message;
  // Where its images are depends on the file.
  const said = blocks.map(({ images: _, ...block }) => block);
  const content = md5(JSON.stringify([kind, at, said]));
  return at === null ? `${message.key}-${content}` : `record-${content}`;
}

export function messageId({ session_id, subagent_id }: MessageScope, key: string): string {
  return md5(JSON.stringify([session_id, subagent_id, key]));
}

/** Where a message stands in its file. */
export type MessagePlaceInFile = {
  line: number;
  ordinal: number;
  sorted_ms: number | null;
  compact_sequence: number;
};

export function messageRow(id: string, key: string, message: Message, place: MessagePlaceInFile): MessageRow {
  const { kind, blocks } = message;
  const message_type = TYPES[kind];
  const has = (...types: Block["type"][]) => blocks.some(({ type }) => types.includes(type));
  return {
    ...placeColumns(place),
    id,
    message_type,
    role: message_type === "user" || message_type === "assistant" ? message_type : null,
    kind,
    model: nullableKeyOf(message.model),
    timestamp: isoOf(timeOf(message.at)),
    message_key: key,
    parent_key: nullableKeyOf(message.parent_key),
    response_key: nullableKeyOf(message.response_key),
    raw_message: null,
    metadata: {},
    has_text: has("text"),
    has_thinking: has("thinking", "redacted_thinking"),
    has_tool_use: has("tool_use"),
    has_tool_result: has("tool_result"),
    is_copy: message.is_copy,
    is_sidechain: message.is_sidechain,
    is_rewound: false,
  };
}

export function placeColumns({
  line,
  ordinal,
  sorted_ms,
  compact_sequence,
}: MessagePlaceInFile): Pick<MessageRow, "line_number" | "ordinal" | "sorted_at" | "compact_sequence"> {
  return { line_number: line, ordinal, sorted_at: isoOf(sorted_ms), compact_sequence };
}

export function blockRows(message_id: string, session_id: string, blocks: readonly Block[]): BlockRow[] {
  return blocks.map((block, block_order) => ({
    id: md5(`${message_id}/${block_order}`),
    message_id,
    block_order,
    block_type: block.type,
    content_text: block.type === "text" ? block.text : null,
    thinking_text: block.type === "thinking" ? block.text : null,
    tool_name: nullableKeyOf(block.tool),
    tool_use_id: block.type === "tool_use" ? callIdOf(message_id, block, block_order) : null,
    tool_input: storableDepth(block.input),
    tool_result_id: block.type === "tool_result" ? nullableKeyOf(block.call_id) : null,
    is_error: block.is_error,
    result_text: block.type === "tool_result" ? block.text : null,
    result_s3_key: block.spilled === null ? null : `transcripts/${session_id}/${block.spilled.file}`,
    metadata: blockMetadata(block),
  }));
}

/** A call without an id of the agent has one of its own. */
export function callIdOf(message_id: string, { call_id }: Block, block_order: number): string {
  return call_id === null ? `${message_id}-${block_order}` : keyOf(call_id);
}

function blockMetadata({ type, text, spilled, images }: Block): BlockRow["metadata"] {
  const places = images === undefined ? {} : { images };
  switch (type) {
    case "image":
    case "document":
      return text === null ? places : { media_type: text, ...places };
    case "other":
      return text === null ? {} : { type: text };
    default:
      return spilled === null ? places : { spilled, ...places };
  }
}
