import { z } from "zod";
import { deviceTypeSchema } from "./device.ts";
import { idSchema, timestampSchema, WORKSPACE_ID_CHARACTERS_MAX } from "./event.ts";

export const LIFECYCLES = [
  "detected",
  "capturing",
  "ended",
  "parsed",
  "summarized",
  "archived",
  "failed",
] as const;
export const lifecycleSchema = z.enum(LIFECYCLES);
export type Lifecycle = z.infer<typeof lifecycleSchema>;

/**
 * What happens in a session now; docs/reading.md lists what leads to each.
 * `needs_input`: a person has to answer · `turn_done`: the agent has answered · `stale_call`: a call without result for ten minutes.
 */
export const LIVE_STATES = [
  "working",
  "needs_input",
  "turn_done",
  "idle",
  "stale_call",
  "ended",
  "unclean",
] as const;
export const liveStateSchema = z.enum(LIVE_STATES);
export type LiveState = z.infer<typeof liveStateSchema>;

export const TAGS_MAX = 100;
export const TAG_CHARACTERS_MAX = 100;
export const REPORT_TEXT_CHARACTERS_MAX = 4 * 1024;
export const INITIAL_PROMPT_CHARACTERS_MAX = 64 * 1024;
export const METADATA_KEYS_MAX = 200;
/** Of its JSON. */
export const METADATA_CHARACTERS_MAX = 64 * 1024;

/** Of a number that is added up: a century has 3e12 ms, and the sum of 900,000 rows fits a BIGINT. */
export const SUMMED_MAX = 1e13;

/** Ten years. The sum of a workspace's sessions stays far below what a BIGINT holds. */
export const DURATION_MS_MAX = 10 * 365.25 * 24 * 60 * 60 * 1000;

const workspaceReference = z.string().min(1).max(WORKSPACE_ID_CHARACTERS_MAX);
const durationMs = z.number().int().nonnegative().max(DURATION_MS_MAX);
export const tagSchema = z.string().min(1).max(TAG_CHARACTERS_MAX);
export const tagsSchema = z.array(tagSchema).max(TAGS_MAX);

const text = z.string().max(REPORT_TEXT_CHARACTERS_MAX);
/** One of AGENTS; any other name is kept as `other`. */
const agentName = z.string().max(100).nullish();
const metadataSchema = z
  .record(z.string(), z.unknown())
  .refine((metadata) => Object.keys(metadata).length <= METADATA_KEYS_MAX, {
    error: `must have at most ${METADATA_KEYS_MAX} keys`,
  })
  .refine((metadata) => JSON.stringify(metadata).length <= METADATA_CHARACTERS_MAX, {
    error: `must be at most ${METADATA_CHARACTERS_MAX} characters of JSON`,
  });

/** POST /api/sessions: a device reports a session. Idempotent by `id`; later values fill what is missing. */
export const sessionReportSchema = z
  .looseObject({
    id: idSchema,
    workspace_id: workspaceReference.optional(),
    workspace_canonical_id: workspaceReference.optional(),
    device_id: idSchema,
    started_at: timestampSchema,
    ended_at: timestampSchema.nullish(),
    end_reason: z.string().max(200).nullish(),
    duration_ms: durationMs.nullish(),
    cwd: text.nullish(),
    git_branch: text.nullish(),
    model: text.nullish(),
    agent: agentName,
    source: z.string().max(100).nullish(),
    initial_prompt: z.string().max(INITIAL_PROMPT_CHARACTERS_MAX).nullish(),
    tags: tagsSchema.optional(),
    metadata: metadataSchema.optional(),
    device_name: z.string().min(1).max(200).nullish(),
    device_type: deviceTypeSchema.nullish(),
  })
  .refine((report) => report.workspace_id !== undefined || report.workspace_canonical_id !== undefined, {
    error: "workspace_id or workspace_canonical_id is required",
    path: ["workspace_id"],
  });
export type SessionReport = z.infer<typeof sessionReportSchema>;

/** POST /api/backfill/sessions: a session found in the transcripts of a device. */
export const backfillSessionSchema = z.looseObject({
  session_id: idSchema,
  workspace_canonical_id: workspaceReference,
  device_id: idSchema,
  device_name: z.string().min(1).max(200).nullish(),
  device_type: deviceTypeSchema.nullish(),
  started_at: timestampSchema,
  ended_at: timestampSchema.nullish(),
  duration_ms: durationMs.nullish(),
  cwd: text.nullish(),
  git_branch: text.nullish(),
  agent: agentName,
  source: z.string().max(100).nullish(),
  is_live: z.boolean().nullish(),
});
export type BackfillSession = z.infer<typeof backfillSessionSchema>;
