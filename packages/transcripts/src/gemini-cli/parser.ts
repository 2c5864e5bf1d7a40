import { callBlock, EMPTY_BLOCK, resultBlock, textBlock } from "../blocks.ts";
import type { Block, Fact, MessageKind, Parser, Usage } from "../contract.ts";
import { isObject, type JsonObject, type JsonValue, number, object, objects, text } from "../lines/json.ts";
import { responseFact } from "../response.ts";
import { NO_USAGE } from "../usage.ts";

export type GeminiState = { session_id: string };

const KINDS: Readonly<Record<string, MessageKind>> = {
  user: "prompt",
  gemini: "assistant",
  info: "system",
  warning: "system",
  error: "system",
};

/** A message is written again under its id when its tokens or calls arrive. Older versions write one JSON file, read by `readMeta`. */
export const geminiCli: Parser<GeminiState> = {
  agent: "gemini-cli",
  version: 1,
  repeated: "replaces",
  begin: ({ session_id }) => ({ session_id }),
  read(state, record, line) {
    if (isObject(record["$set"])) return readChange(state, record["$set"], line);
    const rewound = text(record, "$rewindTo");
    if (rewound !== null) return [{ fact: "rewind", from_key: rewound, turns: null }];
    if (text(record, "id") === null && text(record, "sessionId") !== null) return readSession(state, record);
    return readMessage(state, record, line);
  },
  readMeta(_file, content) {
    const state = { session_id: text(content, "sessionId") ?? "" };
    const messages = objects(content, "messages");
    return [
      ...readTitle(content),
      ...messages.flatMap((record, index) => readMessage(state, record, index + 1)),
    ];
  },
};

function readSession(state: GeminiState, record: JsonObject): Fact[] {
  state.session_id = text(record, "sessionId") ?? state.session_id;
  return readTitle(record);
}

function readTitle(record: JsonObject): Fact[] {
  const summary = text(record, "summary");
  return summary === null || summary === "" ? [] : [{ fact: "title", rank: "summary", text: summary }];
}

/** `messages` takes the place of all that were written before. */
function readChange(state: GeminiState, change: JsonObject, line: number): Fact[] {
  const title = readTitle(change);
  if (!Array.isArray(change["messages"])) return title;
  const messages = objects(change, "messages").flatMap((record) => readMessage(state, record, line));
  return [...title, { fact: "rewind", from_key: null, turns: null }, ...messages];
}

function readMessage(state: GeminiState, record: JsonObject, line: number): Fact[] {
  const type = text(record, "type") ?? "";
  const kind = KINDS[type];
  if (kind === undefined) return [{ fact: "unknown", type }];
  const id = text(record, "id") ?? `line-${line}`;
  const key = `${state.session_id}/${id}`;
  const at = text(record, "timestamp");
  const model = text(record, "model");
  const tokens = isObject(record["tokens"]) ? record["tokens"] : null;
  const message: Fact = {
    fact: "message",
    message: {
      key: id,
      parent_key: null,
      kind,
      at,
      model,
      response_key: kind === "assistant" ? key : null,
      blocks: [...readThoughts(record), ...readContent(record["content"]), ...readCalls(record)],
      is_copy: false,
      is_sidechain: false,
    },
  };
  const failed: Fact[] = type === "error" ? [{ fact: "api_error", status: null }] : [];
  if (tokens === null) return [message, ...failed];
  return [message, ...failed, responseFact({ key, model, at, usage: usageOf(tokens), is_copy: false })];
}

/** The cache is inside the input; thoughts are outside the output, and tool prompts outside the input. */
function usageOf(tokens: JsonObject): Usage {
  const input = number(tokens, "input") ?? 0;
  const cache_read = Math.min(number(tokens, "cached") ?? 0, input);
  const reasoning = number(tokens, "thoughts") ?? 0;
  return {
    ...NO_USAGE,
    input: input - cache_read + (number(tokens, "tool") ?? 0),
    output: (number(tokens, "output") ?? 0) + reasoning,
    cache_read,
    cache_write_5m: 0,
    cache_write_1h: 0,
    reasoning,
  };
}

function readThoughts(record: JsonObject): Block[] {
  return objects(record, "thoughts").map((thought) => {
    const parts = [text(thought, "subject"), text(thought, "description")].filter((part) => part !== null);
    return { ...EMPTY_BLOCK, type: "thinking", text: parts.join("\n") };
  });
}

function readContent(content: JsonValue | undefined): Block[] {
  if (typeof content === "string") return content === "" ? [] : [textBlock(content)];
  if (!Array.isArray(content)) return [];
  return content.filter(isObject).map((part) => {
    const value = text(part, "text");
    if (value !== null) return textBlock(value);
    const mime = text(object(part, "inlineData"), "mimeType");
    return { ...EMPTY_BLOCK, type: mime?.startsWith("image/") ? "image" : "other", text: mime };
  });
}

function readCalls(record: JsonObject): Block[] {
  return objects(record, "toolCalls").flatMap((call) => {
    const id = text(call, "id");
    const status = text(call, "status");
    const made = callBlock(text(call, "name"), id, call["args"] ?? null);
    if (status === null) return [made];
    return [made, resultBlock(id, text(call, "resultDisplay"), status === "error")];
  });
}
