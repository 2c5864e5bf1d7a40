import type { JsonObject, JsonValue } from "./lines/json.ts";

/** The agents whose transcripts are read, by their name on the wire. */
export type Agent = "claude-code" | "codex" | "gemini-cli" | "opencode";

/** One file of a session. */
export type TranscriptFile = {
  session_id: string;
  /** Path below the session's folder, such as `subagents/agent-1.jsonl`. */
  file: string;
  /** Of a session that another one started: the ids of the other's turns, where they are known. */
  parent_turns?: readonly string[];
};

/** Tokens of one response in disjoint buckets: input without cache, output with reasoning. null: unknown, which is not zero. */
export type Usage = {
  input: number | null;
  output: number | null;
  cache_read: number | null;
  cache_write_5m: number | null;
  cache_write_1h: number | null;
  /** Part of `output`. */
  reasoning: number | null;
  web_searches: number | null;
};

export type BlockType =
  | "text"
  | "thinking"
  | "redacted_thinking"
  | "tool_use"
  | "tool_result"
  | "image"
  | "document"
  | "other";

export type Block = {
  type: BlockType;
  text: string | null;
  /** The tool that a `tool_use` calls. */
  tool: string | null;
  /** Of a call and of its result. */
  call_id: string | null;
  input: JsonValue;
  is_error: boolean | null;
  /** Of a command, where the record states it apart from the text of its result. */
  exit_code: number | null;
  /** Output that is too large for the transcript: the file that holds it, below the session's folder, and its size as stated. */
  spilled: { file: string; bytes: number | null } | null;
  /** Where the images of an image or of a result are, where the record holds them. */
  images?: ImagePlace[];
};

/** The members that lead to an image's base64 or data URL in the record of a line, or in a file that is one JSON document; a text on the way is JSON. */
export type ImagePlace = { line: number; path: (string | number)[]; media_type: string };

/**
 * - prompt: typed by a person · command: a slash command · shell_command: a command typed with `!` · interruption: stopped by a person
 * - task: the first message of a subagent, written by its parent · assistant: part of a response · tool_result
 * - context: text that the agent adds for the model · compaction, system: what the agent notes about itself
 */
export type MessageKind =
  | "prompt"
  | "command"
  | "shell_command"
  | "interruption"
  | "task"
  | "assistant"
  | "tool_result"
  | "context"
  | "compaction"
  | "system";

export type Message = {
  /** Unique in the file; see `Parser.repeated`. */
  key: string;
  parent_key: string | null;
  kind: MessageKind;
  /** ISO 8601, as the agent wrote it. */
  at: string | null;
  model: string | null;
  response_key: string | null;
  blocks: Block[];
  /** Copied from another session, which owns it. */
  is_copy: boolean;
  is_sidechain: boolean;
};

/**
 * The part of a model response in one record. Records with the same key are one response, in any file: its numbers are the maximum of
 * all records, and it is a lower bound only if all records are.
 */
export type ResponsePart = {
  key: string;
  model: string | null;
  at: string | null;
  usage: Usage;
  /** Cache writes without a stated duration. They are counted in `cache_write_5m`. */
  cache_write_unsplit: number;
  speed: string | null;
  service_tier: string | null;
  inference_geo: string | null;
  is_lower_bound: boolean;
  is_copy: boolean;
  is_sidechain: boolean;
};

/** Titles by their rank, the strongest first; among equals the last one holds. The first prompt is the title of a session without any. */
export const TITLE_RANKS = ["custom", "generated", "summary"] as const;
export type TitleRank = (typeof TITLE_RANKS)[number];

export type Fact =
  | { fact: "message"; message: Message }
  | { fact: "response"; response: ResponsePart }
  /** The messages of the agent before it that have no response yet are part of this one; null: theirs is not known. */
  | { fact: "answered"; response_key: string | null }
  | { fact: "title"; rank: TitleRank; text: string }
  | { fact: "place"; cwd: string | null; branch: string | null; version: string | null }
  /** The git remote of the place. */
  | { fact: "remote"; url: string }
  | { fact: "origin"; forked_from: string | null; parent: string | null; agent_type: string | null }
  /** Facts of one subagent complete each other. */
  | { fact: "subagent"; agent_id: string; subagent: Partial<Subagent> }
  | { fact: "compaction"; trigger: string | null; tokens_before: number | null; tokens_after: number | null }
  /** A turn began. A thread that starts with copies of these turns is a fork. */
  | { fact: "turn"; id: string }
  /** Messages were taken out of view: those from `from_key` on, or the last `turns` turns. Their tokens were spent. */
  | { fact: "rewind"; from_key: string | null; turns: number | null }
  | { fact: "api_error"; status: number | null }
  /** A running total that the agent states: the last one holds. It is shown next to the sum of responses and never added to it. */
  | { fact: "reported_cost"; cost_usd: number | null; models: Record<string, Usage> }
  | { fact: "pull_request"; url: string }
  /** A record of a type that is not known. It is kept raw and counted. */
  | { fact: "unknown"; type: string };

export type Subagent = {
  agent_type: string | null;
  description: string | null;
  /** The call that started it. */
  call_id: string | null;
  parent_agent_id: string | null;
  model: string | null;
  workflow: string | null;
  label: string | null;
};

/**
 * The reader of one agent's files. `state` is plain JSON: it is stored with the facts of each step, and reading continues from it at any
 * line. Never throws for what a record holds.
 */
export type Parser<State> = {
  agent: Agent;
  /** Grows with each change that reads a file differently; older sessions are then read again. */
  version: number;
  /** What a message is whose key the file already has: a copy to drop, or its newer form, which replaces it. */
  repeated: "dropped" | "replaces";
  begin: (file: TranscriptFile) => State;
  /** The facts of one record, in their order. Changes `state`. `line` is the record's number in the file, from 1. */
  read: (state: State, record: JsonObject, line: number) => Fact[];
  /** What the path of a file says. */
  readPath?: (file: string) => Fact[];
  /** A small file that is read whole. */
  readMeta?: (file: string, content: JsonObject) => Fact[];
};
