import { z } from "zod";

/** Of a list in a payload. zod makes an issue of every wrong item, but for a list that is too long a single one. */
export const PAYLOAD_ITEMS_MAX = 10_000;

const text = z.string();
const optionalText = text.nullish();
const count = z.number().int().nonnegative();

/** Extra keys are kept: a new client must not need a new server. */
const payload = <Shape extends z.ZodRawShape>(shape: Shape) => z.looseObject(shape);

const anyObject = payload({});
const provisioned = payload({
  instance_id: text,
  public_ip: optionalText,
  ssh_port: count.max(65_535).nullish(),
  device_id: optionalText,
});

/** The payload schema of each known event type. Types that are not in here carry any object. */
export const payloadSchemas = {
  "session.start": payload({
    cc_session_id: text,
    cwd: text,
    git_branch: optionalText,
    git_remote: optionalText,
    cc_version: optionalText,
    model: optionalText,
    source: z.enum(["startup", "resume", "clear", "compact", "fork", "backfill"]),
    transcript_path: optionalText,
  }),
  "session.end": payload({
    cc_session_id: text,
    duration_ms: count,
    end_reason: z.enum(["exit", "clear", "logout", "crash", "resume", "other", "prompt_input_exit"]),
    transcript_path: optionalText,
    cwd: optionalText,
    git_branch: optionalText,
    git_remote: optionalText,
    model: optionalText,
    cc_version: optionalText,
  }),
  "session.compact": payload({ cc_session_id: text, compact_sequence: count, transcript_path: optionalText }),
  "git.commit": payload({
    hash: text,
    message: text,
    author_name: text,
    author_email: optionalText,
    branch: text,
    files_changed: count,
    insertions: count,
    deletions: count,
    file_list: z
      .array(z.looseObject({ path: text, status: text }))
      .max(PAYLOAD_ITEMS_MAX)
      .nullish(),
  }),
  "git.push": payload({
    branch: text,
    remote: text,
    commit_count: count,
    commits: z.array(text).max(PAYLOAD_ITEMS_MAX).nullish(),
  }),
  "git.checkout": payload({
    from_ref: text,
    to_ref: text,
    from_branch: optionalText,
    to_branch: optionalText,
  }),
  "git.merge": payload({
    merge_commit: text,
    message: text,
    merged_branch: text,
    into_branch: text,
    files_changed: count,
    had_conflicts: z.boolean(),
  }),
  "remote.provision.start": anyObject,
  "remote.provision.ready": provisioned,
  "remote.provision.error": anyObject,
  "remote.terminate": payload({
    instance_id: text,
    reason: z.enum(["manual", "ttl", "idle", "error"]),
    uptime_seconds: z.number().nonnegative(),
    total_cost_usd: z.number().nonnegative().nullish(),
  }),
  "system.device.register": anyObject,
  "system.hooks.installed": anyObject,
  "system.heartbeat": anyObject,
  "subagent.start": payload({
    session_id: text,
    agent_id: text,
    agent_type: text,
    agent_name: optionalText,
    model: optionalText,
    team_name: optionalText,
    isolation: optionalText,
    run_in_background: z.boolean().nullish(),
  }),
  "subagent.stop": payload({
    session_id: text,
    agent_id: text,
    agent_type: text,
    agent_transcript_path: optionalText,
  }),
  "team.create": payload({ session_id: text, team_name: text, description: optionalText }),
  "team.message": payload({
    session_id: text,
    team_name: text,
    message_type: text,
    from: optionalText,
    to: optionalText,
  }),
  "skill.invoke": payload({
    session_id: text,
    skill_name: text,
    args: optionalText,
    invoked_by: optionalText,
  }),
  "worktree.create": payload({ session_id: text, worktree_name: optionalText, branch: optionalText }),
  "worktree.remove": payload({
    session_id: text,
    worktree_name: optionalText,
    had_changes: z.boolean().nullish(),
  }),
} as const;

export type KnownEventType = keyof typeof payloadSchemas;

export function isKnownEventType(type: string): type is KnownEventType {
  return Object.hasOwn(payloadSchemas, type);
}
