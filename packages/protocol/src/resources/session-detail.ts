import { z } from "zod";
import { usage } from "./fields.ts";
import { sessionSchema } from "./session.ts";
import {
  sessionSkillSchema,
  sessionWorktreeSchema,
  subagentSchema,
  teammateSchema,
} from "./session-parts.ts";
import { sessionTranscriptSchema } from "./session-transcript.ts";

/** Of the session itself, without its subagents; they add up to the session's own columns. */
export const ownUsageSchema = z.looseObject({
  ...usage,
  response_count: z.number(),
  tool_use_count: z.number(),
});
export type OwnUsage = z.infer<typeof ownUsageSchema>;

const redactionCounts = z.record(z.string(), z.number().int());
export const sessionDetailSchema = sessionSchema.extend({
  own: ownUsageSchema.nullable(),
  transcript: sessionTranscriptSchema.nullable(),
  subagents: z.array(subagentSchema),
  skills: z.array(sessionSkillSchema),
  worktrees: z.array(sessionWorktreeSchema),
  teammates: z.array(teammateSchema),
  /** Secrets that were replaced by markers, by rule: on devices before they sent transcripts, and here. */
  redactions: z.object({ device: redactionCounts, hub: redactionCounts }),
});
export type SessionDetail = z.infer<typeof sessionDetailSchema>;
