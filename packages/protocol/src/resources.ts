import { z } from "zod";
import { deviceTypeSchema } from "./device.ts";
import { deviceReportSchema } from "./device-report.ts";
import { lifecycleSchema, liveStateSchema } from "./session.ts";

/** ISO-8601 UTC with six fractional digits. */
const time = z.string();
const text = z.string();
const nullableText = text.nullable();
const nullableNumber = z.number().nullable();
const json = z.record(z.string(), z.unknown());

export const GIT_ACTIVITY_TYPES = ["commit", "push", "checkout", "merge"] as const;
export const REMOTE_ENV_STATUSES = [
  "provisioning",
  "ready",
  "active",
  "idle",
  "terminated",
  "error",
] as const;
export const PROMPT_ACTIONS = ["accepted", "declined"] as const;

const usage = {
  tokens_in: nullableNumber,
  tokens_out: nullableNumber,
  cache_read_tokens: nullableNumber,
  cache_write_tokens: nullableNumber,
  cost_estimate_usd: nullableNumber,
};

export const sessionSchema = z.looseObject({
  id: text,
  workspace_id: text,
  workspace_canonical_id: text,
  workspace_name: text,
  device_id: text,
  device_name: text,
  remote_env_id: nullableText,
  agent: nullableText,
  title: nullableText,
  parent_session_id: nullableText,
  forked_from: nullableText,
  lifecycle: lifecycleSchema,
  live_state: liveStateSchema.nullable(),
  live_reason: nullableText,
  live_since: time.nullable(),
  started_at: time,
  ended_at: time.nullable(),
  end_reason: nullableText,
  initial_prompt: nullableText,
  git_branch: nullableText,
  model: nullableText,
  source: nullableText,
  transcript_s3_key: nullableText,
  parse_status: z.enum(["pending", "parsing", "completed", "failed"]).nullable(),
  parse_error: nullableText,
  parser_version: nullableNumber,
  summary: nullableText,
  total_messages: nullableNumber,
  user_messages: nullableNumber,
  assistant_messages: nullableNumber,
  tool_use_count: nullableNumber,
  thinking_blocks: nullableNumber,
  subagent_count: nullableNumber,
  ...usage,
  response_count: nullableNumber,
  /** Some responses have tokens without a known price. */
  cost_is_partial: z.boolean().nullable(),
  /** As the agent itself states it; shown next to the cost and never added to it. */
  reported_cost_usd: nullableNumber,
  duration_ms: nullableNumber,
  tags: z.array(text),
  metadata: json,
  ended_by_server: z.boolean(),
  last_heard_at: time,
  created_at: time,
  updated_at: time,
});
export type Session = z.infer<typeof sessionSchema>;

export const subagentSchema = z.looseObject({
  id: text,
  session_id: text,
  agent_id: nullableText,
  agent_type: text,
  agent_name: nullableText,
  model: nullableText,
  isolation: nullableText,
  run_in_background: z.boolean().nullable(),
  started_at: time.nullable(),
  ended_at: time.nullable(),
  transcript_s3_key: nullableText,
  ...usage,
});
export type Subagent = z.infer<typeof subagentSchema>;

export const sessionSkillSchema = z.looseObject({
  id: text,
  session_id: text,
  skill_name: text,
  invoked_at: time,
  invoked_by: nullableText,
  args: nullableText,
});
export type SessionSkill = z.infer<typeof sessionSkillSchema>;

export const sessionWorktreeSchema = z.looseObject({
  id: text,
  session_id: text,
  worktree_name: nullableText,
  branch: nullableText,
  created_at: time,
  removed_at: time.nullable(),
  had_changes: z.boolean().nullable(),
});
export type SessionWorktree = z.infer<typeof sessionWorktreeSchema>;

export const teammateSchema = z.looseObject({
  id: text,
  team_id: text,
  team_name: text,
  session_id: text,
  entity_name: text,
  subagent_id: nullableText,
  created_at: time,
});
export type Teammate = z.infer<typeof teammateSchema>;

const spent = {
  tokens_in: nullableNumber,
  tokens_out: nullableNumber,
  cache_read_tokens: nullableNumber,
  cache_write_tokens: nullableNumber,
};
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
  /** Calls since the last prompt that have no result yet. */
  open_calls: z.array(z.looseObject({ call_id: text, tool: nullableText, at: time })),
  place: z.looseObject({ cwd: nullableText, branch: nullableText, version: nullableText }),
  models: z.array(
    z.looseObject({ model: nullableText, responses: z.number(), ...spent, cost_usd: nullableNumber }),
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

export const storedEventSchema = z.looseObject({
  id: text,
  type: text,
  timestamp: time,
  device_id: text,
  workspace_id: text,
  session_id: nullableText,
  data: json,
  blob_refs: z.array(z.unknown()),
  ingested_at: time,
});
export type StoredEvent = z.infer<typeof storedEventSchema>;

export const gitActivitySchema = z.looseObject({
  id: text,
  workspace_id: text,
  device_id: text,
  session_id: nullableText,
  type: z.enum(GIT_ACTIVITY_TYPES),
  branch: nullableText,
  commit_sha: nullableText,
  message: nullableText,
  files_changed: nullableNumber,
  insertions: nullableNumber,
  deletions: nullableNumber,
  timestamp: time,
  data: json,
  /** The event did not name the session. */
  session_inferred: z.boolean(),
});
export type GitActivity = z.infer<typeof gitActivitySchema>;

/**
 * - exact: the event named its session, or a call of the session made the commit and printed its hash
 * - evidence: the session wrote a file that the commit changes, before it · possible: time and place alone
 */
export const GIT_MATCH_GRADES = ["exact", "evidence", "possible"] as const;
export const gitMatchGradeSchema = z.enum(GIT_MATCH_GRADES);
export type GitMatchGrade = z.infer<typeof gitMatchGradeSchema>;

/** Git activity of a session, which may also belong to others. */
export const sessionGitActivitySchema = gitActivitySchema.extend({ session_match: gitMatchGradeSchema });
export type SessionGitActivity = z.infer<typeof sessionGitActivitySchema>;

/** A commit as one device sent it, and the sessions it may belong to, the best match first. */
export const matchedCommitSchema = z.looseObject({
  git_activity: gitActivitySchema,
  sessions: z.array(z.looseObject({ session: sessionSchema, grade: gitMatchGradeSchema, why: text })),
});
export type MatchedCommit = z.infer<typeof matchedCommitSchema>;

export const timelineItemSchema = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("session"),
    session: sessionSchema,
    git_activity: z.array(gitActivitySchema),
  }),
  z.looseObject({
    type: z.literal("git_activity"),
    workspace_id: text,
    workspace_name: text,
    device_id: text,
    device_name: text,
    git_activity: z.array(gitActivitySchema),
    /** Sessions that any of it may belong to, by time and place alone. */
    possible_sessions: z.array(text),
    started_at: time,
  }),
]);
export type TimelineItem = z.infer<typeof timelineItemSchema>;

export const sessionTotalsSchema = z.looseObject({
  session_count: z.number(),
  active_session_count: z.number(),
  last_session_at: time.nullable(),
  total_cost_usd: z.number(),
  total_duration_ms: z.number(),
  total_tokens_in: z.number(),
  total_tokens_out: z.number(),
});
export type SessionTotals = z.infer<typeof sessionTotalsSchema>;

export const workspaceSchema = sessionTotalsSchema.extend({
  id: text,
  canonical_id: text,
  display_name: text,
  default_branch: nullableText,
  metadata: json,
  first_seen_at: time,
  updated_at: time,
  device_count: z.number(),
});
export type Workspace = z.infer<typeof workspaceSchema>;

/** With the names that clients of earlier versions know: total_sessions and active_sessions repeat the counts. */
export const workspaceStatsSchema = sessionTotalsSchema.extend({
  device_count: z.number(),
  total_sessions: z.number(),
  active_sessions: z.number(),
  total_messages: z.number(),
  first_session_at: time.nullable(),
});
export type WorkspaceStats = z.infer<typeof workspaceStatsSchema>;

export const gitSummarySchema = z.looseObject({
  total_commits: z.number(),
  total_pushes: z.number(),
  active_branches: z.array(text),
  last_commit_at: time.nullable(),
});
export type GitSummary = z.infer<typeof gitSummarySchema>;

export const deviceSchema = sessionTotalsSchema.extend({
  id: text,
  name: text,
  type: deviceTypeSchema,
  hostname: nullableText,
  os: nullableText,
  arch: nullableText,
  status: z.enum(["online", "offline", "provisioning", "terminated"]),
  metadata: json,
  first_seen_at: time,
  last_seen_at: time,
  workspace_count: z.number(),
  /** Of its client; null: it has sent none. */
  report: deviceReportSchema.nullable(),
  /** Its transcript files that are kept here, by their size on the device. */
  held: z.object({
    files: z.number(),
    bytes: z.number(),
    /** When its agents delete the next of them there. */
    next_deletion_at: time.nullable(),
  }),
});
export type Device = z.infer<typeof deviceSchema>;

/** A device without the totals of its sessions. */
export const deviceRowSchema = deviceSchema.pick({
  id: true,
  name: true,
  type: true,
  hostname: true,
  os: true,
  arch: true,
  status: true,
  metadata: true,
  first_seen_at: true,
  last_seen_at: true,
});
export type DeviceRow = z.infer<typeof deviceRowSchema>;

/** A file that the device's agent is about to delete. */
export const nextDeletionSchema = z.object({
  session_id: text,
  agent: text,
  file: text,
  deletes_at: time,
  /** Of the file on the device, as far as it is kept here. */
  held_bytes: z.number(),
});
export type NextDeletion = z.infer<typeof nextDeletionSchema>;

/** A device in a workspace, or a workspace on a device: where it lies, what is installed, what its sessions add up to. */
export const workspaceDeviceSchema = sessionTotalsSchema.extend({
  workspace_id: text,
  device_id: text,
  local_path: text,
  hooks_installed: z.boolean(),
  git_hooks_installed: z.boolean(),
  git_hooks_answer: z.enum(PROMPT_ACTIONS).nullable(),
  git_hooks_answered_at: time.nullable(),
  last_active_at: time,
});
export type WorkspaceDevice = z.infer<typeof workspaceDeviceSchema>;

export const gitHooksPromptSchema = z.looseObject({
  type: z.literal("git_hooks_install"),
  workspace_id: text,
  workspace_canonical_id: text,
  workspace_name: text,
  device_id: text,
  local_path: text,
});
export type GitHooksPrompt = z.infer<typeof gitHooksPromptSchema>;

export const remoteEnvSchema = z.looseObject({
  id: text,
  workspace_id: text,
  device_id: nullableText,
  status: z.enum(REMOTE_ENV_STATUSES),
  instance_id: nullableText,
  instance_type: text,
  region: text,
  public_ip: nullableText,
  ssh_key_s3_key: nullableText,
  blueprint: json,
  ttl_minutes: z.number(),
  idle_timeout_minutes: z.number(),
  cost_per_hour_usd: nullableNumber,
  total_cost_usd: nullableNumber,
  provisioned_at: time,
  ready_at: time.nullable(),
  terminated_at: time.nullable(),
  termination_reason: nullableText,
  metadata: json,
});
export type RemoteEnv = z.infer<typeof remoteEnvSchema>;

export const blueprintSchema = z.looseObject({
  id: text,
  workspace_id: nullableText,
  name: text,
  source: z.enum(["auto-detected", "manual"]),
  detected_from: nullableText,
  config: json,
  created_at: time,
  updated_at: time,
});
export type Blueprint = z.infer<typeof blueprintSchema>;
