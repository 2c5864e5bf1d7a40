import type { JsonValue } from "@wharf/transcripts";

/** Rows of one step, as they are sent to Postgres: times are ISO 8601 in UTC. */
export type StepRows = {
  messages: MessageRow[];
  blocks: BlockRow[];
  /** Messages whose records are hidden by those of another file or of a newer generation. */
  hidden: HiddenRow[];
  /** Messages that are there already, and are written again. */
  rewritten: string[];
  facts: FactRow[];
  turns: string[];
  rewinds: RewindRow[];
  answered: AnsweredRow[];
  calls: CallRow[];
  /** Calls that another device's file states: nothing of it stays. */
  replaced_calls: string[];
  touches: TouchRow[];
  sightings: SightingRow[];
};

export type MessageRow = {
  id: string;
  line_number: number;
  ordinal: number;
  message_type: "user" | "assistant" | "summary" | "system";
  role: "user" | "assistant" | null;
  kind: string;
  model: string | null;
  timestamp: string | null;
  /** Null: before all that have a time. */
  sorted_at: string | null;
  message_key: string;
  parent_key: string | null;
  response_key: string | null;
  raw_message: JsonValue;
  metadata: { [name: string]: JsonValue };
  compact_sequence: number;
  has_text: boolean;
  has_thinking: boolean;
  has_tool_use: boolean;
  has_tool_result: boolean;
  is_copy: boolean;
  is_sidechain: boolean;
  is_rewound: boolean;
};

export type BlockRow = {
  id: string;
  message_id: string;
  block_order: number;
  block_type: string;
  content_text: string | null;
  thinking_text: string | null;
  tool_name: string | null;
  tool_use_id: string | null;
  tool_input: JsonValue;
  tool_result_id: string | null;
  is_error: boolean | null;
  result_text: string | null;
  result_s3_key: string | null;
  metadata: { [name: string]: JsonValue };
};

export type HiddenRow = { message_id: string; file_id: string; generation: number; reading: number };

export type FactRow = {
  line: number;
  position: number;
  fact: string;
  data: JsonValue;
  message_id: string | null;
};

/** Of the messages before the step: those from an ordinal on, or those of the last turns. */
export type RewindRow = { from_ordinal: number; turns: null } | { from_ordinal: null; turns: number };

/** A message whose response was read behind it. */
export type AnsweredRow = { message_id: string; response_key: string };

/** A call, its result, or both. */
export type CallRow = {
  call_id: string;
  has_call: boolean;
  message_id: string | null;
  tool: string | null;
  command: string | null;
  called_at: string | null;
  is_copy: boolean;
  is_returned: boolean;
  returned_at: string | null;
  exit_code: number | null;
  is_error: boolean | null;
  tests: JsonValue;
  commits: string[];
};

export type TouchRow = {
  call_id: string;
  path: string;
  reads: number;
  writes: number;
  added: number | null;
  removed: number | null;
  touched_at: string | null;
};

/** A response in a file, as far as the step shows it. */
export type SightingRow = {
  response_key: string;
  first_at: string | null;
  last_at: string | null;
  model: string | null;
  speed: string | null;
  service_tier: string | null;
  inference_geo: string | null;
  input: number | null;
  output: number | null;
  cache_read: number | null;
  cache_write_5m: number | null;
  cache_write_1h: number | null;
  reasoning: number | null;
  web_searches: number | null;
  cache_write_unsplit: number;
  is_lower_bound: boolean;
  is_copy: boolean;
  is_sidechain: boolean;
};
