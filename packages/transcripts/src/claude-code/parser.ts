import type { Block, Fact, Message, MessageKind, Parser, ResponsePart, TranscriptFile } from "../contract.ts";
import { flag, isObject, type JsonObject, number, object, text } from "../lines/json.ts";
import { readBlocks } from "./blocks.ts";
import { readNote } from "./notes.ts";
import { readFilePath, readMetaFile, SUBAGENT_FILE } from "./paths.ts";
import { type Link, readRewind } from "./rewinds.ts";
import { readUsage } from "./usage.ts";
import { readUserRecord, typedPart } from "./user-record.ts";

export type ClaudeState = {
  session_id: string;
  /** Of a subagent's file; null in a session's own. */
  agent_id: string | null;
  place: { cwd: string | null; branch: string | null; version: string | null };
  forked_from: string | null;
  /** The first prompt behind a message, by that message. */
  prompts: Link[];
  /** By notes and context, the message before them: some prompts name one, and some the other. */
  passed_over: Link[];
};

/** Lines that the agent writes itself: errors and interruptions in the shape of a response. */
const SYNTHETIC_MODEL = "<synthetic>";

export const claudeCode: Parser<ClaudeState> = {
  agent: "claude-code",
  version: 4,
  repeated: "dropped",
  begin: ({ session_id, file }: TranscriptFile) => ({
    session_id,
    agent_id: SUBAGENT_FILE.exec(file)?.[1] ?? null,
    place: { cwd: null, branch: null, version: null },
    forked_from: null,
    prompts: [],
    passed_over: [],
  }),
  read: (state, record, line) => {
    const facts = readByType(state, record, line);
    const rewinds = facts.flatMap((fact) =>
      fact.fact === "message" ? readRewind(state, fact.message, text(record, "type") === "user") : [],
    );
    return [...readPlace(state, record), ...readOrigin(state, record), ...rewinds, ...facts];
  },
  readPath: readFilePath,
  readMeta: readMetaFile,
};

function readByType(state: ClaudeState, record: JsonObject, line: number): Fact[] {
  switch (text(record, "type")) {
    case "user": {
      const read = readUserRecord(record, line, state.agent_id !== null);
      return [messageOf(state, record, line, read), ...readStarted(state, record, read.blocks)];
    }
    case "assistant":
      return readAssistant(state, record, line);
    case "system":
      return readSystem(state, record, line);
    case "attachment":
      return [messageOf(state, record, line, readAttachment(object(record, "attachment"), line))];
    default:
      return readNote(record);
  }
}

function messageOf(
  state: ClaudeState,
  record: JsonObject,
  line: number,
  read: { kind: MessageKind; blocks: Message["blocks"]; model?: string | null; response_key?: string | null },
): Fact {
  const message: Message = {
    key: text(record, "uuid") ?? `line-${line}`,
    parent_key: text(record, "parentUuid") ?? text(record, "logicalParentUuid"),
    kind: read.kind,
    at: text(record, "timestamp"),
    model: read.model ?? null,
    response_key: read.response_key ?? null,
    blocks: read.blocks,
    is_copy: isCopy(state, record),
    is_sidechain: isSidechain(state, record),
  };
  return { fact: "message", message };
}

/** The result of a call that started a subagent names it, which is all that is known where its file came without a `.meta.json`. */
function readStarted(state: ClaudeState, record: JsonObject, blocks: readonly Block[]): Fact[] {
  const result = object(record, "toolUseResult");
  const agent_id = text(result, "agentId");
  const call_id = blocks.find(({ type }) => type === "tool_result")?.call_id ?? null;
  if (agent_id === null || call_id === null || isCopy(state, record)) return [];
  const stated = { agent_type: text(result, "agentType"), description: text(result, "description") };
  return [{ fact: "subagent", agent_id, subagent: { ...stated, call_id, parent_agent_id: state.agent_id } }];
}

/** Resumed and forked files hold the records of another session, under its id or with a pointer to it. */
function isCopy(state: ClaudeState, record: JsonObject): boolean {
  const session = text(record, "sessionId");
  return isObject(record["forkedFrom"]) || (session !== null && session !== state.session_id);
}

function isSidechain(state: ClaudeState, record: JsonObject): boolean {
  return state.agent_id !== null || flag(record, "isSidechain");
}

function readAssistant(state: ClaudeState, record: JsonObject, line: number): Fact[] {
  const message = object(record, "message");
  const blocks = readBlocks(message["content"], { line, path: ["message", "content"] });
  const model = text(message, "model");
  if (model === SYNTHETIC_MODEL || flag(record, "isApiErrorMessage")) {
    const note = messageOf(state, record, line, { kind: "system", blocks });
    return flag(record, "isApiErrorMessage") ? [note, { fact: "api_error", status: null }] : [note];
  }
  const key = text(message, "id") ?? text(record, "requestId") ?? text(record, "uuid") ?? `line-${line}`;
  const read = messageOf(state, record, line, { kind: "assistant", blocks, model, response_key: key });
  const usage = object(message, "usage");
  const { usage: tokens, cache_write_unsplit } = readUsage(usage);
  const is_sidechain = isSidechain(state, record);
  const response: ResponsePart = {
    key,
    model,
    at: text(record, "timestamp"),
    usage: tokens,
    cache_write_unsplit,
    speed: text(usage, "speed"),
    service_tier: text(usage, "service_tier"),
    inference_geo: text(usage, "inference_geo"),
    // A subagent's response without a stop reason holds a running count.
    is_lower_bound: is_sidechain && text(message, "stop_reason") === null,
    is_copy: isCopy(state, record),
    is_sidechain,
  };
  return [read, { fact: "response", response }];
}

function readSystem(state: ClaudeState, record: JsonObject, line: number): Fact[] {
  const blocks = readBlocks(record["content"], { line, path: ["content"] });
  switch (text(record, "subtype")) {
    case "compact_boundary": {
      const compaction = object(record, "compactMetadata");
      return [
        messageOf(state, record, line, { kind: "compaction", blocks }),
        {
          fact: "compaction",
          trigger: text(compaction, "trigger"),
          tokens_before: number(compaction, "preTokens"),
          tokens_after: number(compaction, "postTokens"),
        },
      ];
    }
    case "api_error":
      return [
        messageOf(state, record, line, { kind: "system", blocks }),
        { fact: "api_error", status: number(object(record, "error"), "status") },
      ];
    default:
      return [messageOf(state, record, line, { kind: "system", blocks })];
  }
}

/** A prompt that was typed while the agent worked is an attachment of the record that follows. */
function readAttachment(
  attachment: JsonObject,
  line: number,
): { kind: MessageKind; blocks: Message["blocks"] } {
  const read = (name: string) => readBlocks(attachment[name], { line, path: ["attachment", name] });
  if (text(attachment, "type") === "queued_command") {
    return typedPart(read("prompt"));
  }
  return { kind: "context", blocks: read("content") };
}

function readPlace(state: ClaudeState, record: JsonObject): Fact[] {
  const place = {
    cwd: text(record, "cwd") ?? state.place.cwd,
    branch: text(record, "gitBranch") ?? state.place.branch,
    version: text(record, "version") ?? state.place.version,
  };
  const isSame =
    place.cwd === state.place.cwd &&
    place.branch === state.place.branch &&
    place.version === state.place.version;
  if (isSame) return [];
  state.place = place;
  return [{ fact: "place", ...place }];
}

function readOrigin(state: ClaudeState, record: JsonObject): Fact[] {
  const forked_from = text(object(record, "forkedFrom"), "sessionId");
  if (forked_from === null || forked_from === state.forked_from) return [];
  state.forked_from = forked_from;
  return [{ fact: "origin", forked_from, parent: null, agent_type: null }];
}
