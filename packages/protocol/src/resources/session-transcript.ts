import { z } from "zod";
import { json, nullableNumber, nullableText, text, time, tokens } from "./fields.ts";

const namedCalls = z.array(z.looseObject({ name: text, calls: z.number() }));

/** What a session's transcripts amount to; counts are with its subagents, and without what it copied from other sessions. */
export const sessionTranscriptSchema = z.looseObject({
  title: nullableText,
  /** custom, generated, summary or prompt. */
  title_source: nullableText,
  agent: nullableText,
  first_at: time.nullable(),
  last_at: time.nullable(),
  wall_ms: z.number(),
  /** Without silences of more than five minutes. */
  active_ms: z.number(),
  rewound: z.number(),
  interruptions: z.number(),
  commands: z.number(),
  shell_commands: z.number(),
  last_message: z.looseObject({ kind: text, at: time, has_tool_use: z.boolean() }).nullable(),
  /** What was asked last, in a line. */
  last_prompt: nullableText,
  /** Calls since the last prompt that have no result yet. */
  open_calls: z.array(z.looseObject({ call_id: text, tool: nullableText, at: time })),
  place: z.looseObject({ cwd: nullableText, branch: nullableText, version: nullableText }),
  models: z.array(
    z.looseObject({ model: nullableText, responses: z.number(), ...tokens, cost_usd: nullableNumber }),
  ),
  /** Models without a price. */
  unpriced_models: z.array(text),
  /** Tokens of input with cache of the session's own responses; `sizes` has the largest of each stretch of time. */
  context: z.looseObject({
    max: nullableNumber,
    last: nullableNumber,
    sizes: z.array(z.looseObject({ at: time, tokens: z.number() })),
  }),
  tools: z.record(z.string(), z.number()),
  tool_errors: z.number(),
  api_errors: z.number(),
  commands_run: z.looseObject({
    count: z.number(),
    failed: z.number(),
    /** The latest first. */
    last: z.array(
      z.looseObject({ call_id: text, command: text, exit_code: nullableNumber, at: time.nullable() }),
    ),
  }),
  tests: z.looseObject({
    runs: z.number(),
    last: z
      .looseObject({
        command: nullableText,
        passed: nullableNumber,
        failed: nullableNumber,
        is_success: z.boolean().nullable(),
        at: time.nullable(),
      })
      .nullable(),
  }),
  files: z.looseObject({ read: z.number(), written: z.number(), added: z.number(), removed: z.number() }),
  commits: z.array(text),
  pull_requests: z.array(text),
  compactions: z.looseObject({
    count: z.number(),
    list: z.array(
      z.looseObject({
        trigger: nullableText,
        tokens_before: nullableNumber,
        tokens_after: nullableNumber,
        at: time.nullable(),
      }),
    ),
  }),
  skills: namedCalls,
  worktrees: namedCalls,
  teammates: namedCalls,
  /** Tokens by model as the agent itself states them. */
  reported_models: json.nullable(),
  /** Lines of the files by what they are: records, bad, blank, torn, duplicate, unknown … */
  lines: z.record(z.string(), z.number()),
  unknown_types: z.record(z.string(), z.number()),
});
export type SessionTranscript = z.infer<typeof sessionTranscriptSchema>;
