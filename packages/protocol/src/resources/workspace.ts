import { z } from "zod";
import { json, nullableText, text, time } from "./fields.ts";
import { sessionTotalsSchema } from "./session-totals.ts";

export const PROMPT_ACTIONS = ["accepted", "declined"] as const;

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
