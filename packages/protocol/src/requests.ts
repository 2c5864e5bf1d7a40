import { z } from "zod";
import { AGENTS } from "./agent-names.ts";
import { idSchema } from "./event.ts";
import { clampedPage, instant, page, words } from "./query.ts";
import { GIT_ACTIVITY_TYPES, gitMatchGradeSchema } from "./resources/git-activity.ts";
import { REMOTE_ENV_STATUSES } from "./resources/remote-env.ts";
import { PROMPT_ACTIONS } from "./resources/workspace.ts";
import { searchTextSchema } from "./search.ts";
import { type Lifecycle, lifecycleSchema, liveStateSchema, tagsSchema } from "./session.ts";

export const TIMELINE_ITEMS_MAX = 100;
const COMMITS_PAGE_MAX = 100;
export const BATCH_STATUS_IDS_MAX = 10_000;
export const SUMMARY_CHARACTERS_MAX = 100_000;
const NAME_CHARACTERS_MAX = 200;
const MINUTES_MAX = 525_600;
const COST_PER_HOUR_USD_MAX = 999;
const TOTAL_COST_USD_MAX = 99_999;

/** A session is `detected` until it is heard of again: who asks for those wants the open ones. */
function withCapturing(lifecycles: Lifecycle[]): Lifecycle[] {
  return lifecycles.includes("detected") ? [...new Set([...lifecycles, "capturing" as const])] : lifecycles;
}

export const listQuerySchema = z.object(page(50));
export const eventListQuerySchema = z.object(page(100));
export const sessionGitQuerySchema = z.object({ match: words(gitMatchGradeSchema).optional(), ...page(100) });

/** Of one workspace: each commit comes with its sessions. */
export const commitListQuerySchema = z.object({ workspace_id: z.string(), ...page(20, COMMITS_PAGE_MAX) });
export type CommitListQuery = z.infer<typeof commitListQuerySchema>;

export const ingestNotesQuerySchema = z.object({
  device_id: z.string().optional(),
  kind: z.string().optional(),
  after: instant.optional(),
  before: instant.optional(),
  ...page(50),
});

const sessionFilterFields = {
  workspace_id: z.string().optional(),
  device_id: z.string().optional(),
  agent: words(z.string().min(1)).optional(),
  /** The sessions that this one started. */
  parent_session_id: z.string().optional(),
  lifecycle: words(lifecycleSchema, withCapturing).optional(),
  live_state: words(liveStateSchema).optional(),
  after: instant.optional(),
  before: instant.optional(),
  ended_after: instant.optional(),
  ended_before: instant.optional(),
  tag: z.string().optional(),
  q: searchTextSchema.optional(),
};
export const sessionListQuerySchema = z.object({ ...sessionFilterFields, ...page(50) });
export type SessionListQuery = z.infer<typeof sessionListQuerySchema>;

export const SELECTED_SESSIONS_MAX = 1_000;
/** The sessions of an action: those that match all given fields. */
export const sessionSelectionSchema = z.strictObject({
  ...sessionFilterFields,
  ids: z.array(idSchema).min(1).max(SELECTED_SESSIONS_MAX).optional(),
});
export type SessionSelection = z.infer<typeof sessionSelectionSchema>;
/** The same as parameters of an address. */
export const sessionSelectionQuerySchema = z.object({
  ...sessionFilterFields,
  ids: words(idSchema).optional(),
});

/** `expected`: refused if more sessions match, such as ones that began since they were counted. */
export const deleteSessionsSchema = sessionSelectionSchema.extend({ expected: z.int().min(0).optional() });
export const sessionCountsSchema = z.object({ sessions: z.int(), open_sessions: z.int() });
export type SessionCounts = z.infer<typeof sessionCountsSchema>;

/** `session`: sessions. `git_activity`: all git activity. One of its types: only that. */
export const TIMELINE_TYPES = ["session", "git_activity", ...GIT_ACTIVITY_TYPES] as const;
export const timelineQuerySchema = z.object({
  workspace_id: z.string().optional(),
  device_id: z.string().optional(),
  after: instant.optional(),
  before: instant.optional(),
  types: words(
    z.preprocess(
      (word) => (typeof word === "string" ? word.replace(/^git\./, "") : word),
      z.enum(TIMELINE_TYPES),
    ),
  ).optional(),
  ...clampedPage(20, TIMELINE_ITEMS_MAX),
});
export type TimelineQuery = z.infer<typeof timelineQuerySchema>;

export const pendingPromptsQuerySchema = z.object({ device_id: idSchema, ...page(50) });
export const promptAnswerSchema = z.looseObject({
  workspace_id: z.string().min(1),
  device_id: idSchema,
  action: z.enum(PROMPT_ACTIONS),
});

export const sessionPatchSchema = z
  .strictObject({
    tags: tagsSchema.optional(),
    add_tags: tagsSchema.optional(),
    remove_tags: tagsSchema.optional(),
    summary: z.string().max(SUMMARY_CHARACTERS_MAX).nullable().optional(),
  })
  .refine((patch) => patch.tags === undefined || (patch.add_tags ?? patch.remove_tags) === undefined, {
    error: "either tags, or add_tags and remove_tags",
    path: ["tags"],
  });
export type SessionPatch = z.infer<typeof sessionPatchSchema>;

export const batchStatusSchema = z.looseObject({
  session_ids: z.array(z.string()).max(BATCH_STATUS_IDS_MAX),
});

const name = z.string().min(1).max(NAME_CHARACTERS_MAX);
const minutes = z.number().int().min(1).max(MINUTES_MAX);
const object = z.record(z.string(), z.unknown());

const remoteEnvFields = {
  device_id: idSchema.nullish(),
  status: z.enum(REMOTE_ENV_STATUSES).optional(),
  instance_id: name.nullish(),
  public_ip: name.nullish(),
  ssh_key_s3_key: z.string().max(1_000).nullish(),
  ttl_minutes: minutes.optional(),
  idle_timeout_minutes: minutes.optional(),
  cost_per_hour_usd: z.number().min(0).max(COST_PER_HOUR_USD_MAX).nullish(),
  total_cost_usd: z.number().min(0).max(TOTAL_COST_USD_MAX).nullish(),
  termination_reason: name.nullish(),
  metadata: object.optional(),
};
export const remoteEnvCreateSchema = z.strictObject({
  workspace_id: idSchema,
  instance_type: name,
  region: name,
  blueprint: object,
  ...remoteEnvFields,
});
export const remoteEnvPatchSchema = z.strictObject(remoteEnvFields);
export type RemoteEnvPatch = z.infer<typeof remoteEnvPatchSchema>;
export const remoteEnvListQuerySchema = z.object({
  workspace_id: z.string().optional(),
  device_id: z.string().optional(),
  status: words(z.enum(REMOTE_ENV_STATUSES)).optional(),
  ...page(50),
});
export type RemoteEnvListQuery = z.infer<typeof remoteEnvListQuerySchema>;

export const blueprintCreateSchema = z.strictObject({
  workspace_id: idSchema.nullish(),
  name,
  source: z.enum(["auto-detected", "manual"]).default("manual"),
  detected_from: z.string().max(1_000).nullish(),
  config: object,
});
export type NewBlueprint = z.infer<typeof blueprintCreateSchema>;
export const blueprintPatchSchema = z.strictObject({
  name: name.optional(),
  detected_from: z.string().max(1_000).nullish(),
  config: object.optional(),
});
export type BlueprintPatch = z.infer<typeof blueprintPatchSchema>;
export const blueprintListQuerySchema = z.object({ workspace_id: z.string().optional(), ...page(50) });

export const REPARSE_IDS_MAX = 10_000;
/** Which sessions are parsed again: those that match each field that is given; all of them without any. */
export const reparseFilterSchema = z.strictObject({
  agent: z.enum(AGENTS).optional(),
  workspace_id: z.string().optional(),
  device_id: z.string().optional(),
  /** Sessions that an older version of the parser read. */
  parser_version_below: z.int().min(1).max(1_000_000).optional(),
  ids: z.array(idSchema).min(1).max(REPARSE_IDS_MAX).optional(),
});
export type ReparseFilter = z.infer<typeof reparseFilterSchema>;
