import type { JsonValue } from "@wharf/transcripts";
import type { DocumentKind } from "./document-kinds.ts";
import { filterLexeme } from "./lexemes.ts";

/** What is needed of a message's row. */
export type IndexedMessage = { id: string; kind: string; model: string | null; is_copy: boolean };

/** The texts in a block's row. */
export type BlockTexts = {
  content_text: string | null;
  thinking_text: string | null;
  tool_input: JsonValue;
  result_text: string | null;
};

export type IndexedBlock = BlockTexts & {
  message_id: string;
  block_order: number;
  block_type: string;
  tool_name: string | null;
  is_error: boolean | null;
};

/** The document of a block: its text, and the lexemes by which it is filtered. */
export type BlockDocument = {
  message_id: string;
  block: number;
  kind: DocumentKind;
  text: string;
  filters: string[];
};

/** Of tool input and output: what is in the middle of a long one is seldom what someone looks for. */
const CODE_HEAD_CHARACTERS = 8 * 1024;
const CODE_TAIL_CHARACTERS = 2 * 1024;
/** Of sentences. A vector of Postgres has room for less than 1 MB, and keeps 16,383 positions. */
const PROSE_CHARACTERS_MAX = 64 * 1024;
/** Of an input's values: deeper ones are no command and no path. */
const INPUT_DEPTH_MAX = 6;

/** By the kind of the message. What an agent adds for the model, or notes about itself, is no document. */
const KINDS_OF_TEXT: Readonly<Record<string, DocumentKind>> = {
  prompt: "prompt",
  command: "prompt",
  shell_command: "prompt",
  task: "prompt",
  assistant: "answer",
  compaction: "summary",
};

const KINDS_OF_BLOCK: Readonly<Record<string, DocumentKind>> = {
  thinking: "thinking",
  tool_use: "tool_input",
  tool_result: "tool_output",
};

/** The documents of these messages. A copied message is indexed in the session that owns it. */
export function documentsOf(
  messages: readonly IndexedMessage[],
  blocks: readonly IndexedBlock[],
): BlockDocument[] {
  const own = new Map(messages.filter(({ is_copy }) => !is_copy).map((message) => [message.id, message]));
  return blocks.flatMap((block) => {
    const message = own.get(block.message_id);
    const kind = message === undefined ? null : kindOf(message, block);
    if (message === undefined || kind === null) return [];
    const text = textOf(kind, block);
    if (text.trim() === "") return [];
    const { message_id, block_order } = block;
    return [{ message_id, block: block_order, kind, text, filters: filtersOf(message, block, kind) }];
  });
}

function kindOf({ kind }: IndexedMessage, { block_type }: IndexedBlock): DocumentKind | null {
  return KINDS_OF_BLOCK[block_type] ?? (block_type === "text" ? (KINDS_OF_TEXT[kind] ?? null) : null);
}

/** The indexed part of a block: of tool output the beginning and the end, of tool input its values. */
export function textOf(kind: DocumentKind, block: BlockTexts): string {
  if (kind === "tool_input") return middleCut(stringsOf(block.tool_input, 0).join("\n"));
  if (kind === "tool_output") return middleCut(block.result_text ?? "");
  return (block.thinking_text ?? block.content_text ?? "").slice(0, PROSE_CHARACTERS_MAX);
}

function middleCut(text: string): string {
  if (text.length <= CODE_HEAD_CHARACTERS + CODE_TAIL_CHARACTERS) return text;
  return `${text.slice(0, CODE_HEAD_CHARACTERS)}\n${text.slice(-CODE_TAIL_CHARACTERS)}`;
}

function stringsOf(value: JsonValue | undefined, depth: number): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || depth >= INPUT_DEPTH_MAX) return [];
  return Object.values(value).flatMap((one) => stringsOf(one, depth + 1));
}

function filtersOf(
  { model }: IndexedMessage,
  { tool_name, is_error }: IndexedBlock,
  kind: DocumentKind,
): string[] {
  return [
    filterLexeme("is", kind),
    ...namesOf("tool", tool_name, /__/),
    ...namesOf("model", model, /[-/.:@]/),
    ...(is_error === true ? [filterLexeme("has", "error")] : []),
  ];
}

/** A name and its parts: `mcp__github__search` is found by `github`. */
function namesOf(name: "tool" | "model", value: string | null, separator: RegExp): string[] {
  if (value === null) return [];
  const lower = value.toLowerCase();
  return [lower, ...lower.split(separator)]
    .filter((part) => part !== "")
    .map((part) => filterLexeme(name, part));
}
