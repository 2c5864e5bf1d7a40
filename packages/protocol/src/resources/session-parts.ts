import { z } from "zod";
import { nullableText, text, time, usage } from "./fields.ts";

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
