import { z } from "zod";
import { json, nullableNumber, nullableText, text, time } from "./fields.ts";
import { sessionSchema } from "./session.ts";

export const GIT_ACTIVITY_TYPES = ["commit", "push", "checkout", "merge"] as const;

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

/** A call of a session made and printed the commit, and no git hook of the session's repository reported it. */
const is_only_printed = z.boolean();

/** Git activity of a session, which may also belong to others. */
export const sessionGitActivitySchema = gitActivitySchema.extend({
  session_match: gitMatchGradeSchema,
  is_only_printed,
});
export type SessionGitActivity = z.infer<typeof sessionGitActivitySchema>;

/** A commit as one device sent it or as a session printed it, and the sessions it may belong to, the best match first. */
export const matchedCommitSchema = z.looseObject({
  git_activity: gitActivitySchema,
  is_only_printed,
  sessions: z.array(z.looseObject({ session: sessionSchema, grade: gitMatchGradeSchema, why: text })),
});
export type MatchedCommit = z.infer<typeof matchedCommitSchema>;

export const gitSummarySchema = z.looseObject({
  total_commits: z.number(),
  total_pushes: z.number(),
  active_branches: z.array(text),
  last_commit_at: time.nullable(),
});
export type GitSummary = z.infer<typeof gitSummarySchema>;
