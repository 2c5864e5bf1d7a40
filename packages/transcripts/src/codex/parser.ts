import { EMPTY_BLOCK, textBlock } from "../blocks.ts";
import type { Block, Fact, MessageKind, Parser } from "../contract.ts";
import { type Place, within } from "../images.ts";
import { isObject, type JsonObject, number, object, objects, text } from "../lines/json.ts";
import { itemType, readCall, readCompletedItem, readContent } from "./items.ts";
import { responseOfMessage } from "./responses.ts";
import { readSessionMeta, readTurn } from "./session-meta.ts";
import { beginState, type CodexState } from "./state.ts";
import { readTokenCount, readUsageRecord } from "./tokens.ts";
import { isTyped } from "./user-text.ts";

/** A record, without the envelope that lines of 2025 lack. */
type Read = { state: CodexState; at: string | null; line: number; isBare: boolean };

/** Records that repeat others, or say nothing that is shown, counted or priced. */
const SILENT: ReadonlySet<string> = new Set([
  "inter_agent_communication",
  "realtime_item",
  "retained_context",
  "state",
  "world_state",
]);
const SILENT_EVENTS: ReadonlySet<string> = new Set([
  "agent_message",
  "agent_reasoning",
  "agent_reasoning_raw_content",
  "context_compacted",
  "mcp_tool_call_begin",
  "mcp_tool_call_end",
  "patch_apply_begin",
  "patch_apply_end",
  "task_complete",
  "task_started",
  "turn_diff",
]);

export const codex: Parser<CodexState> = {
  agent: "codex",
  version: 3,
  repeated: "dropped",
  begin: beginState,
  read(state, record, line) {
    const at = text(record, "timestamp");
    const ordinal = number(record, "ordinal");
    if (state.own_from_ordinal !== null && ordinal !== null)
      state.is_copying = ordinal < state.own_from_ordinal;
    const type = text(record, "type") ?? text(record, "record_type");
    const payload = record["payload"];
    if (isObject(payload)) return readPayload({ state, at, line, isBare: false }, type ?? "", payload);
    if (type === null) return readSessionMeta(state, record, at);
    return SILENT.has(type) ? [] : readItem({ state, at, line, isBare: true }, record);
  },
};

function readPayload(read: Read, type: string, payload: JsonObject): Fact[] {
  const { state, at } = read;
  switch (type) {
    case "session_meta":
      return readSessionMeta(state, payload, at);
    case "turn_context":
      return readTurn(state, payload, at);
    case "response_item":
      return readItem(read, payload);
    case "event_msg":
      return readEvent(read, payload);
    case "token_usage_record":
      return readUsageRecord(state, payload, at);
    case "compacted":
      return [
        message(read, payload, "compaction", readContentOrText(payload)),
        { fact: "compaction", trigger: null, tokens_before: null, tokens_after: null },
      ];
    default:
      return SILENT.has(type) ? [] : [{ fact: "unknown", type }];
  }
}

function readContentOrText(payload: JsonObject): Block[] {
  const value = text(payload, "message");
  return value === null || value === "" ? [] : [textBlock(value)];
}

function readItem(read: Read, item: JsonObject): Fact[] {
  const { state } = read;
  if (text(item, "role") !== "user") state.prompt_images = [];
  switch (text(item, "type")) {
    case "message":
      return readMessage(read, item);
    case "reasoning": {
      const blocks = objects(item, "summary").map((part): Block => {
        return { ...EMPTY_BLOCK, type: "thinking", text: text(part, "text") };
      });
      return blocks.length === 0 ? [] : [message(read, item, "assistant", blocks)];
    }
    case "agent_message":
    case "compaction":
    case "ghost_snapshot":
      return [];
    default: {
      const call = readCall(item, placeOf(read));
      // In a paginated history these calls stand in items of their own, and this is the script round them or its output.
      if (call === null || (state.is_paginated && isScriptOutput(item))) return [];
      return [message(read, item, call.type === "tool_use" ? "assistant" : "tool_result", [call])];
    }
  }
}

function isScriptOutput(item: JsonObject): boolean {
  return text(item, "type") === "custom_tool_call_output";
}

/** Messages of a person stand in an event, too: that one is the prompt, but in the lines of 2025, which have no events. */
function readMessage(read: Read, item: JsonObject): Fact[] {
  const blocks = readContent(item, placeOf(read));
  switch (text(item, "role")) {
    case "assistant":
      return [message(read, item, "assistant", blocks)];
    case "user": {
      const typed = blocks.some((block) => block.type === "text" && isTyped(item, block.text ?? ""));
      if (!typed) return [message(read, item, "context", blocks)];
      if (read.isBare) return [message(read, item, "prompt", blocks)];
      read.state.prompt_images = blocks.filter(({ type }) => type === "image");
      return [];
    }
    default:
      return [message(read, item, "context", blocks)];
  }
}

function readEvent(read: Read, event: JsonObject): Fact[] {
  const { state, at } = read;
  const type = text(event, "type") ?? "";
  switch (type) {
    case "user_message":
      return [readPrompt(read, event, [textBlock(text(event, "message") ?? "")])];
    case "token_count":
      return readTokenCount(state, event, at);
    case "item_completed":
      return readCompleted(read, object(event, "item"));
    case "thread_settings_applied":
      state.model = text(object(event, "thread_settings"), "model") ?? state.model;
      return [];
    case "thread_rolled_back":
      return [{ fact: "rewind", from_key: null, turns: number(event, "num_turns") }];
    case "turn_aborted":
      return [message(read, event, "interruption", [])];
    case "error":
    case "stream_error":
      return [{ fact: "api_error", status: null }];
    default:
      return SILENT_EVENTS.has(type) ? [] : [{ fact: "unknown", type: `event_msg/${type}` }];
  }
}

/** A paginated history: prompts and calls are items. Answers and reasoning stand in response items, too. */
function readCompleted(read: Read, item: JsonObject): Fact[] {
  const place = within(placeOf(read), "item");
  if (itemType(item) === "usermessage") return [readPrompt(read, item, readContent(item, place))];
  const blocks = readCompletedItem(item, place);
  return blocks === null ? [] : [message(read, item, "assistant", blocks, true)];
}

/** With the images of the response item before it: here they may be paths of the device. */
function readPrompt(read: Read, record: JsonObject, blocks: Block[]): Fact {
  const { state } = read;
  const images = state.prompt_images;
  state.prompt_images = [];
  const others = images.length === 0 ? blocks : blocks.filter(({ type }) => type !== "image");
  return message(read, record, userKind(state), [...others, ...images]);
}

function placeOf({ line, isBare }: Read): Place {
  return { line, path: isBare ? [] : ["payload"] };
}

function userKind({ is_subagent, is_copying }: CodexState): MessageKind {
  return is_subagent && !is_copying ? "task" : "prompt";
}

/** `isRun`: a call that was run, which is part of the response before it. */
function message(read: Read, record: JsonObject, kind: MessageKind, blocks: Block[], isRun = false): Fact {
  const { state, at, line } = read;
  const id = text(record, "id");
  return {
    fact: "message",
    message: {
      key: id === null ? `line-${line}` : `item-${id}`,
      parent_key: null,
      kind,
      at,
      model: kind === "assistant" ? state.model : null,
      response_key: kind === "assistant" ? responseOfMessage(state, isRun) : null,
      blocks,
      is_copy: state.is_copying,
      is_sidechain: false,
    },
  };
}
