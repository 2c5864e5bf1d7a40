import { z } from "zod";
import { idSchema } from "./event.ts";
import { pageSchema } from "./page.ts";
import { page } from "./query.ts";
import { nullableNumber, nullableText, text, time } from "./resources/fields.ts";
import { fragmentSchema, searchTextSchema } from "./search.ts";

/** `story`: what people wrote and what the agent answered. `steps`: and its calls, one line each. `full`: everything. */
export const TRANSCRIPT_DENSITIES = ["story", "steps", "full"] as const;
export type TranscriptDensity = (typeof TRANSCRIPT_DENSITIES)[number];

const subagentOfTranscript = z.string().optional();

export const transcriptQuerySchema = z.object({
  /** The id or the agent id of a subagent; without it, the session's own messages. */
  subagent_id: subagentOfTranscript,
  /** The id of a message: the page is around it, in the transcript that it belongs to. */
  around: idSchema.optional(),
  /** Where to begin without `around` and `cursor`; `end`: the last page. */
  from: z.enum(["start", "end"]).default("start"),
  density: z.enum(TRANSCRIPT_DENSITIES).default("full"),
  ...page(50),
});
export type TranscriptQuery = z.infer<typeof transcriptQuerySchema>;

/** A subagent, as the call that started it names it. */
export const startedSubagentSchema = z.looseObject({
  id: text,
  agent_id: nullableText,
  agent_type: text,
  description: nullableText,
  model: nullableText,
  started_at: time.nullable(),
  ended_at: time.nullable(),
  tokens_in: nullableNumber,
  tokens_out: nullableNumber,
  cost_estimate_usd: nullableNumber,
});
export type StartedSubagent = z.infer<typeof startedSubagentSchema>;

export const CALL_STATES = ["ok", "error", "running"] as const;

/** What a tool call did, in one line. */
export const transcriptCallSchema = z.looseObject({
  /** The first line of its command, or the first file that it touched. */
  target: nullableText,
  state: z.enum(CALL_STATES),
  exit_code: nullableNumber,
  called_at: time.nullable(),
  returned_at: time.nullable(),
  subagent: startedSubagentSchema.nullable(),
});

/** An image in the transcript file of its message: the line, and the members that lead to its base64; a text on the way is JSON. */
export const imagePlaceSchema = z.looseObject({
  media_type: text,
  line: z.int().min(1),
  path: z.array(z.union([text, z.number()])),
});
export type ImagePlace = z.infer<typeof imagePlaceSchema>;

export const contentBlockSchema = z.looseObject({
  id: text,
  block_order: z.number(),
  /** text, thinking, redacted_thinking, tool_use, tool_result, image, document, other; a new version may add more. */
  block_type: text,
  content_text: nullableText,
  thinking_text: nullableText,
  tool_name: nullableText,
  tool_use_id: nullableText,
  tool_input: z.unknown(),
  tool_result_id: nullableText,
  is_error: z.boolean().nullable(),
  result_text: nullableText,
  /** The file that holds the output, where it is too large for the transcript. */
  result_s3_key: nullableText,
  /** `images`: of an image, or of a tool's result; GET /api/sessions/:id/transcript/blocks/:block_id/images/:index has their bytes. */
  metadata: z.looseObject({ media_type: text.optional(), images: z.array(imagePlaceSchema).optional() }),
  /** Texts are cut: GET /api/sessions/:id/transcript/messages/:message_id has them whole. */
  is_cut: z.boolean(),
});
export type ContentBlock = z.infer<typeof contentBlockSchema>;

export const transcriptBlockSchema = contentBlockSchema.extend({ call: transcriptCallSchema.nullable() });
export type TranscriptBlock = z.infer<typeof transcriptBlockSchema>;

export const messageWithoutBlocksSchema = z.looseObject({
  id: text,
  session_id: text,
  subagent_id: nullableText,
  message_type: text,
  kind: nullableText,
  role: nullableText,
  timestamp: time.nullable(),
  message_key: nullableText,
  parent_key: nullableText,
  agent: nullableText,
  device_id: nullableText,
  file: nullableText,
  generation: nullableNumber,
  line_number: z.number(),
  is_copy: z.boolean(),
  is_sidechain: z.boolean(),
  is_rewound: z.boolean(),
  /** Its file was rewritten without it: no newest generation has it. */
  is_dropped: z.boolean(),
  model: nullableText,
  response_key: nullableText,
  /** Of its response, on the first message of the page that belongs to it; null on the others, and where another session owns it. */
  tokens_in: nullableNumber,
  tokens_out: nullableNumber,
  cache_read: nullableNumber,
  cache_write: nullableNumber,
  reasoning_tokens: nullableNumber,
  cost_usd: nullableNumber,
  cost_is_partial: z.boolean().nullable(),
  is_lower_bound: z.boolean().nullable(),
  /** Blocks behind the first ones, which are not on this page. */
  blocks_left_out: z.number(),
});
export type MessageWithoutBlocks = z.infer<typeof messageWithoutBlocksSchema>;

export const transcriptMessageSchema = messageWithoutBlocksSchema.extend({
  content_blocks: z.array(transcriptBlockSchema),
});
export type TranscriptMessage = z.infer<typeof transcriptMessageSchema>;

export const transcriptPageSchema = z.object({
  messages: z.array(transcriptMessageSchema),
  /** Whose messages they are: of the session itself (null) or of this subagent. */
  subagent_id: nullableText,
  ...pageSchema.shape,
  prev_cursor: nullableText,
});
export type TranscriptPage = z.infer<typeof transcriptPageSchema>;

export const messageBlocksQuerySchema = z.object(page(50));

export const outlineQuerySchema = z.object(page(500));

/** What a person asked, and what it took until they asked again. */
export const outlinePromptSchema = z.looseObject({
  message_id: text,
  kind: text,
  /** Its first characters. */
  text: nullableText,
  at: time.nullable(),
  /** Of the last message before the next prompt. */
  ended_at: time.nullable(),
  /** Of the responses until the next prompt, with those of subagents. */
  cost_usd: nullableNumber,
  is_rewound: z.boolean(),
});
export type OutlinePrompt = z.infer<typeof outlinePromptSchema>;

export const FOUND_MESSAGES_MAX = 1_000;
export const findQuerySchema = z.object({ q: searchTextSchema.min(1), ...page(50, 200) });

export const foundMessageSchema = z.looseObject({
  message_id: text,
  subagent_id: nullableText,
  at: time.nullable(),
  /** What was found: prompt, answer, tool_output … */
  kind: text,
  fragment: fragmentSchema,
});
export type FoundMessage = z.infer<typeof foundMessageSchema>;

export const foundMessagesSchema = z.object({
  found: z.array(foundMessageSchema),
  /** Messages of the session that match; counted up to FOUND_MESSAGES_MAX. */
  total: z.number(),
  ...pageSchema.shape,
});
export type FoundMessages = z.infer<typeof foundMessagesSchema>;

export const sessionFilesQuerySchema = z.object({
  /** Only this file, with its changes. */
  path: z.string().min(1).optional(),
  ...page(100),
});

/** What one call changed in a file. */
export const fileHunkSchema = z.looseObject({
  call_id: text,
  tool: nullableText,
  message_id: nullableText,
  subagent_id: nullableText,
  at: time.nullable(),
  /** Lines that begin with - and +; null where the call's input does not show them, or is very long. */
  diff: nullableText,
  is_cut: z.boolean(),
});
export type FileHunk = z.infer<typeof fileHunkSchema>;

export const sessionFileSchema = z.looseObject({
  path: text,
  /** Calls that read or wrote it. */
  reads: z.number(),
  writes: z.number(),
  /** Lines; null where no call shows them. */
  added: nullableNumber,
  removed: nullableNumber,
  first_at: time.nullable(),
  last_at: time.nullable(),
  /** The latest writing calls, oldest first; only when one file is asked for. */
  hunks: z.array(fileHunkSchema).optional(),
});
export type SessionFile = z.infer<typeof sessionFileSchema>;

export const EXPORT_FORMATS = ["json", "markdown", "tar"] as const;
export const sessionExportQuerySchema = z.object({ format: z.enum(EXPORT_FORMATS).default("json") });
