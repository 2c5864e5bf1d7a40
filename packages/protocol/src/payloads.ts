import { z } from "zod";
import { AGENTS } from "./agent-names.ts";
import { ID_CHARACTERS_MAX } from "./event.ts";
import type { KnownEventType } from "./event-types.ts";
import { DURATION_MS_MAX } from "./session.ts";

/** Of a list in a payload. zod makes an issue of every wrong item, but for a list that is too long a single one. */
export const PAYLOAD_ITEMS_MAX = 10_000;

const text = z.string();
const optionalText = text.nullish();
const count = z.number().int().nonnegative();

/** An id that becomes part of keys, of indexes and of cursors. */
const id = text.max(ID_CHARACTERS_MAX);
const optionalId = id.nullish();

export const SESSION_SOURCES = [
  "startup",
  "resume",
  "clear",
  "compact",
  "fork",
  "backfill",
  "other",
] as const;
export const END_REASONS = ["exit", "clear", "logout", "crash", "resume", "other"] as const;
export const WAITING_REASONS = ["permission", "question", "plan", "idle"] as const;
export const TERMINATION_REASONS = ["manual", "ttl", "idle", "error", "other"] as const;

/** What a column holds in the place of a value that its enumeration lacks. */
export const OTHER = "other";

const FILE_OF_COMMIT = 'must be an object like {"path":"src/a.ts","status":"M"}';

/** Extra keys are kept: a new client must not need a new server. */
const payload = <Shape extends z.ZodRawShape>(shape: Shape) => z.looseObject(shape);

const anyObject = payload({});
const remoteEnv = { remote_env_id: optionalId, device_id: optionalId };
const unfinished = payload({ ...remoteEnv, instance_id: optionalId });
const provisioned = payload({
  ...remoteEnv,
  instance_id: id,
  public_ip: optionalText,
  ssh_port: count.max(65_535).nullish(),
});

/**
 * The payload schema of each known event type. Types that are not in here carry any object. A value that an enumeration lacks
 * (isUnknownValue) is no reason to refuse an event: a newer client may send it.
 */
export const payloadSchemas = {
  "session.start": payload({
    cc_session_id: text,
    cwd: text,
    git_branch: optionalText,
    git_remote: optionalText,
    cc_version: optionalText,
    model: optionalText,
    source: z.enum(SESSION_SOURCES),
    agent: z.enum(AGENTS).nullish(),
    transcript_path: optionalText,
  }),
  "session.end": payload({
    cc_session_id: text,
    duration_ms: count.max(DURATION_MS_MAX),
    end_reason: z.enum([...END_REASONS, "prompt_input_exit"]),
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
    /** The top of the work tree: it keeps several clones on a device apart. */
    cwd: optionalText,
    file_list: z
      .array(z.looseObject({ path: text, status: text }, { error: FILE_OF_COMMIT }))
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
  "git.rewrite": payload({
    kind: optionalText,
    pairs: z
      .array(z.looseObject({ old: text, new: text }))
      .max(PAYLOAD_ITEMS_MAX)
      .nullish(),
  }),
  "remote.provision.start": unfinished,
  "remote.provision.ready": provisioned,
  "remote.provision.error": unfinished,
  "remote.terminate": payload({
    ...remoteEnv,
    instance_id: id,
    reason: z.enum(TERMINATION_REASONS),
    uptime_seconds: z.number().nonnegative(),
    total_cost_usd: z.number().nonnegative().nullish(),
  }),
  "system.device.register": anyObject,
  "system.hooks.installed": anyObject,
  "system.heartbeat": anyObject,
  "subagent.start": payload({
    session_id: text,
    agent_id: id,
    agent_type: text,
    agent_name: optionalText,
    model: optionalText,
    team_name: optionalText,
    isolation: optionalText,
    run_in_background: z.boolean().nullish(),
  }),
  "subagent.stop": payload({
    session_id: text,
    agent_id: id,
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
  // What a hook does not know is left out: the event shows the state of its session all the same.
  "agent.prompt": payload({ text: optionalText }),
  "agent.turn_end": payload({ reason: optionalText }),
  "agent.waiting": payload({ reason: z.enum(WAITING_REASONS).nullish(), tool: optionalText }),
  "agent.tool": payload({
    tool: optionalText,
    tool_use_id: optionalId,
    paths: z.array(text).max(PAYLOAD_ITEMS_MAX).nullish(),
    command: optionalText,
    exit_code: z.number().int().nullish(),
    duration_ms: z.number().nonnegative().nullish(),
    error: optionalText,
  }),
} as const satisfies Record<KnownEventType, z.ZodType>;
