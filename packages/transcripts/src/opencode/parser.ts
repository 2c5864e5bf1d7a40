import { textBlock } from "../blocks.ts";
import type { Block, Fact, Message, MessageKind, Parser } from "../contract.ts";
import { isObject, type JsonObject, number, object, placedObjects, text } from "../lines/json.ts";
import { responseFact } from "../response.ts";
import { readPart } from "./blocks.ts";
import { readResponse } from "./response.ts";

export type OpencodeState = {
  created_ms: number | null;
  is_child: boolean;
  /** The message whose parts follow. */
  message: Message | null;
};

/**
 * opencode keeps a database. Its rows come as lines `{"table": "…", "row": {…}}`: the session's, then each message's with those of its parts
 * behind it; a row that changed comes again. `data` is JSON in a text, as in the database, or an object.
 */
export const opencode: Parser<OpencodeState> = {
  agent: "opencode",
  version: 3,
  repeated: "replaces",
  begin: () => ({ created_ms: null, is_child: false, message: null }),
  read(state, record, line) {
    const row = object(record, "row");
    switch (text(record, "table")) {
      case "session":
      case "session_v2":
        return readSession(state, row);
      case "message":
        return readMessage(state, row, readData(row));
      case "part":
        return readMessagePart(state, row, line);
      case "session_message":
        return readNewMessage(state, row, readData(row), line);
      default:
        return [{ fact: "unknown", type: text(record, "table") ?? "" }];
    }
  },
};

function readSession(state: OpencodeState, row: JsonObject): Fact[] {
  const parent = text(row, "parent_id");
  const forked_from = text(row, "fork_session_id");
  const title = text(row, "title");
  state.created_ms = number(row, "time_created");
  state.is_child = parent !== null;
  const facts: Fact[] = [
    { fact: "place", cwd: text(row, "directory"), branch: null, version: text(row, "version") },
  ];
  if (parent !== null || forked_from !== null)
    facts.push({ fact: "origin", forked_from, parent, agent_type: null });
  if (title !== null && title !== "") facts.push({ fact: "title", rank: "generated", text: title });
  return facts;
}

function readData(row: JsonObject): JsonObject {
  const data = row["data"];
  if (typeof data !== "string") return isObject(data) ? data : {};
  try {
    const value = JSON.parse(data);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** A row of the old tables: its parts come in rows of their own. */
function readMessage(state: OpencodeState, row: JsonObject, data: JsonObject): Fact[] {
  const kind = text(data, "role") === "assistant" ? "assistant" : userKind(state);
  return readOwnMessage(state, row, data, kind, text(data, "modelID"), []);
}

/** A row of the new table, with its parts in it. */
function readNewMessage(state: OpencodeState, row: JsonObject, data: JsonObject, line: number): Fact[] {
  const model = text(object(data, "model"), "id");
  switch (text(row, "type")) {
    case "assistant":
      return readOwnMessage(state, row, data, "assistant", model, readContent(data, line));
    case "user":
      return readOwnMessage(state, row, data, userKind(state), null, textOf(data));
    case "compaction":
      return [
        ...readOwnMessage(state, row, data, "compaction", null, textOf(data)),
        { fact: "compaction", trigger: null, tokens_before: null, tokens_after: null },
      ];
    default:
      return readOwnMessage(state, row, data, "context", null, textOf(data));
  }
}

function readContent(data: JsonObject, line: number): Block[] {
  return placedObjects(data["content"]).flatMap(([index, part]) =>
    readPart(part, { line, path: ["row", "data", "content", index] }),
  );
}

function textOf(data: JsonObject): Block[] {
  const value = text(data, "text");
  return value === null ? [] : [textBlock(value)];
}

/** A child's user message is its task. */
function userKind({ is_child }: OpencodeState): MessageKind {
  return is_child ? "task" : "prompt";
}

function readOwnMessage(
  state: OpencodeState,
  row: JsonObject,
  data: JsonObject,
  kind: MessageKind,
  model: string | null,
  blocks: Block[],
): Fact[] {
  const created_ms = number(object(data, "time"), "created") ?? number(row, "time_created");
  const at = created_ms === null ? null : isoTime(created_ms);
  // A fork copies messages that are older than itself.
  const is_copy = created_ms !== null && state.created_ms !== null && created_ms < state.created_ms;
  const response = kind === "assistant" ? readResponse(data, model) : null;
  state.message = {
    key: text(row, "id") ?? "",
    parent_key: text(data, "parentID"),
    kind,
    at,
    model,
    response_key: response?.key ?? null,
    blocks,
    is_copy,
    is_sidechain: false,
  };
  const message: Fact = { fact: "message", message: state.message };
  return response === null ? [message] : [message, responseFact({ ...response, model, at, is_copy })];
}

/** The message is given again with the new part: it replaces the one without. */
function readMessagePart(state: OpencodeState, row: JsonObject, line: number): Fact[] {
  const { message } = state;
  if (message === null || message.key !== text(row, "message_id"))
    return [{ fact: "unknown", type: "part without its message" }];
  const part = readData(row);
  // What the agent adds to a prompt, such as the content of a file.
  if (part["synthetic"] === true) return [];
  state.message = {
    ...message,
    blocks: [...message.blocks, ...readPart(part, { line, path: ["row", "data"] })],
  };
  return [{ fact: "message", message: state.message }];
}

const TIME_MAX_MS = 8.64e15;

function isoTime(time_ms: number): string | null {
  return Math.abs(time_ms) <= TIME_MAX_MS ? new Date(time_ms).toISOString() : null;
}
