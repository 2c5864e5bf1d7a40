import { callBlock, EMPTY_BLOCK, resultBlock, textBlock } from "../blocks.ts";
import type { Block, Fact, MessageKind, Parser, Usage } from "../contract.ts";
import { imagesIn, type Place, within } from "../images.ts";
import { isObject, type JsonObject, number, object, objects, placedObjects, text } from "../lines/json.ts";
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
  version: 2,
  repeated: "replaces",
  begin: ({ session_id }) => ({ session_id }),
  read(state, record, line) {
    if (isObject(record["$set"])) return readChange(state, record["$set"], line);
    const rewound = text(record, "$rewindTo");
    if (rewound !== null) return [{ fact: "rewind", from_key: rewound, turns: null }];
    if (text(record, "id") === null && text(record, "sessionId") !== null) return readSession(state, record);
    return readMessage(state, record, { line, path: [] });
  },
  readMeta(_file, content) {
    const state = { session_id: text(content, "sessionId") ?? "" };
    const messages = placedObjects(content["messages"]).flatMap(([index, record]) =>
      readMessage(state, record, { line: index + 1, path: ["messages", index] }),
    );
    return [...readTitle(content), ...messages];
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
  const messages = placedObjects(change["messages"]).flatMap(([index, record]) =>
    readMessage(state, record, { line, path: ["$set", "messages", index] }),
  );
  return [...title, { fact: "rewind", from_key: null, turns: null }, ...messages];
}

function readMessage(state: GeminiState, record: JsonObject, place: Place): Fact[] {
  const type = text(record, "type") ?? "";
  const kind = KINDS[type];
  if (kind === undefined) return [{ fact: "unknown", type }];
  const id = text(record, "id") ?? `line-${place.line}`;
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
      blocks: [...readThoughts(record), ...readContent(record, place), ...readCalls(record, place)],
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

function readContent(record: JsonObject, place: Place): Block[] {
  const content = text(record, "content");
  if (content !== null) return content === "" ? [] : [textBlock(content)];
  return placedObjects(record["content"]).map(([index, part]) => {
    const value = text(part, "text");
    if (value !== null) return textBlock(value);
    const mime = text(object(part, "inlineData"), "mimeType");
    const type = mime?.startsWith("image/") ? "image" : "other";
    return { ...EMPTY_BLOCK, type, text: mime, ...imagesIn(part, within(place, "content", index)) };
  });
}

function readCalls(record: JsonObject, place: Place): Block[] {
  return placedObjects(record["toolCalls"]).flatMap(([index, call]) => {
    const id = text(call, "id");
    const status = text(call, "status");
    const made = callBlock(text(call, "name"), id, call["args"] ?? null);
    if (status === null) return [made];
    const images = imagesIn(call["result"], within(place, "toolCalls", index, "result"));
    return [made, { ...resultBlock(id, text(call, "resultDisplay"), status === "error"), ...images }];
  });
}
