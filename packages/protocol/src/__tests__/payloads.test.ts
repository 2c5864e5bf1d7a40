import { describe, expect, test } from "bun:test";
import { isKnownEventType, type KnownEventType } from "../event-types.ts";
import { isUnknownValue } from "../issue.ts";
import { PAYLOAD_ITEMS_MAX, payloadSchemas } from "../payloads.ts";
import { DURATION_MS_MAX } from "../session.ts";

const LONG_ID = "i".repeat(201);

const start = {
  cc_session_id: "s",
  cwd: "/repo",
  git_branch: "main",
  git_remote: "git@github.com:u/r.git",
  cc_version: "2.1.0",
  model: "m",
  source: "startup",
  transcript_path: "/t.jsonl",
};
const end = {
  cc_session_id: "s",
  duration_ms: 2_600_000_000,
  end_reason: "exit",
  transcript_path: "/t.jsonl",
};
const commit = {
  hash: "abc",
  message: "m",
  author_name: "a",
  branch: "main",
  files_changed: 1,
  insertions: 2,
  deletions: 0,
};

/** For each known type: what is accepted, and what is refused. */
const examples: Record<KnownEventType, { good: object[]; bad: object[] }> = {
  "session.start": {
    good: [
      start,
      { ...start, git_branch: null, git_remote: null, cc_version: null, model: null },
      ...["startup", "resume", "clear", "compact", "fork", "backfill", "other"].map((source) => ({
        ...start,
        source,
      })),
    ],
    bad: [
      {},
      { ...start, source: 7 },
      { ...start, source: "a newer one" },
      { ...start, cwd: null },
      { ...start, cc_session_id: 7 },
      { ...start, model: 7 },
    ],
  },
  "session.end": {
    good: [
      end,
      { ...end, duration_ms: 0, cwd: "/r", git_branch: "b", git_remote: "r", model: "m", cc_version: "v" },
      ...["exit", "clear", "logout", "crash", "resume", "other", "prompt_input_exit"].map((end_reason) => ({
        ...end,
        end_reason,
      })),
    ],
    bad: [
      {},
      { ...end, duration_ms: -1 },
      { ...end, duration_ms: 1.5 },
      { ...end, duration_ms: "7" },
      { ...end, end_reason: null },
      { ...end, end_reason: "a newer one" },
      { ...end, duration_ms: DURATION_MS_MAX + 1 },
      { ...end, duration_ms: Number.MAX_SAFE_INTEGER },
    ],
  },
  "session.compact": {
    good: [{ cc_session_id: "s", compact_sequence: 0, transcript_path: "/t" }],
    bad: [{}, { cc_session_id: "s", compact_sequence: -1, transcript_path: "/t" }],
  },
  "git.commit": {
    good: [commit, { ...commit, author_email: "a@b.c", file_list: [{ path: "x", status: "M" }] }],
    bad: [
      {},
      { ...commit, files_changed: -1 },
      { ...commit, hash: null },
      { ...commit, file_list: ["x"] },
      { ...commit, file_list: [{ path: "x" }] },
      { ...commit, file_list: Array(PAYLOAD_ITEMS_MAX + 1).fill({ path: "x", status: "M" }) },
    ],
  },
  "git.push": {
    good: [{ branch: "b", remote: "origin", commit_count: 2, commits: ["a", "b"] }],
    bad: [
      {},
      { branch: "b", remote: "origin", commit_count: "2" },
      { branch: "b", remote: "o", commit_count: 1, commits: [1] },
      { branch: "b", remote: "o", commit_count: 1, commits: { 0: "a" } },
      { branch: "b", remote: "o", commit_count: 1, commits: Array(PAYLOAD_ITEMS_MAX + 1).fill("a") },
    ],
  },
  "git.checkout": {
    good: [{ from_ref: "a", to_ref: "b", from_branch: null, to_branch: "main" }],
    bad: [{}, { from_ref: "a", to_ref: 1, from_branch: null, to_branch: null }],
  },
  "git.merge": {
    good: [
      {
        merge_commit: "a",
        message: "m",
        merged_branch: "f",
        into_branch: "main",
        files_changed: 3,
        had_conflicts: false,
      },
    ],
    bad: [
      {},
      {
        merge_commit: "a",
        message: "m",
        merged_branch: "f",
        into_branch: "main",
        files_changed: 3,
        had_conflicts: "no",
      },
    ],
  },
  "remote.provision.start": {
    good: [{}, { any: 1 }, { instance_id: "i", remote_env_id: null, device_id: "" }],
    bad: [{ instance_id: LONG_ID }, { remote_env_id: LONG_ID }, { remote_env_id: 7 }],
  },
  "remote.provision.ready": {
    good: [{ instance_id: "i", public_ip: "192.0.2.1", ssh_port: 22, device_id: "d" }],
    bad: [{}, { instance_id: "i", ssh_port: 70_000 }, { instance_id: "i", device_id: LONG_ID }],
  },
  "remote.provision.error": {
    good: [{}, { error: "no capacity" }],
    bad: [{ instance_id: LONG_ID }, { device_id: LONG_ID }],
  },
  "remote.terminate": {
    good: [{ instance_id: "i", reason: "ttl", uptime_seconds: 1.5, total_cost_usd: null }],
    bad: [
      {},
      { instance_id: "i", reason: {}, uptime_seconds: 1 },
      { instance_id: LONG_ID, reason: "ttl", uptime_seconds: 1 },
      { instance_id: "i", reason: "ttl", uptime_seconds: -1 },
    ],
  },
  "system.device.register": { good: [{}, { any: 1 }], bad: [] },
  "system.hooks.installed": { good: [{}, { any: 1 }], bad: [] },
  "system.heartbeat": { good: [{}, { any: 1 }], bad: [] },
  "subagent.start": {
    good: [
      { session_id: "s", agent_id: "a", agent_type: "t" },
      {
        session_id: "s",
        agent_id: "a",
        agent_type: "t",
        agent_name: "n",
        model: "m",
        team_name: "x",
        isolation: "i",
        run_in_background: true,
      },
    ],
    bad: [{}, { session_id: "s", agent_id: "a", agent_type: "t", run_in_background: "yes" }],
  },
  "subagent.stop": {
    good: [{ session_id: "s", agent_id: "a", agent_type: "t", agent_transcript_path: "/t" }],
    bad: [{}, { session_id: "s", agent_id: "a" }, { session_id: "s", agent_id: LONG_ID, agent_type: "t" }],
  },
  "team.create": {
    good: [{ session_id: "s", team_name: "t", description: "d" }],
    bad: [{}, { session_id: "s", team_name: 1 }],
  },
  "team.message": {
    good: [{ session_id: "s", team_name: "t", message_type: "m", from: "a", to: "b" }],
    bad: [{}, { session_id: "s", team_name: "t", message_type: null }],
  },
  "skill.invoke": {
    good: [{ session_id: "s", skill_name: "k", args: "a", invoked_by: "user" }],
    bad: [{}, { session_id: "s", skill_name: [] }],
  },
  "worktree.create": {
    good: [{ session_id: "s" }, { session_id: "s", worktree_name: "w", branch: "b" }],
    bad: [{}, { session_id: "s", branch: 1 }],
  },
  "worktree.remove": {
    good: [{ session_id: "s", worktree_name: "w", had_changes: false }],
    bad: [{}, { session_id: "s", had_changes: "no" }],
  },
  "agent.prompt": { good: [{}, { text: "do it" }], bad: [{ text: 7 }] },
  "agent.turn_end": { good: [{}, { reason: "done" }], bad: [{ reason: 7 }] },
  "agent.waiting": {
    good: [{}, ...["permission", "question", "plan", "idle"].map((reason) => ({ reason, tool: "Bash" }))],
    bad: [{ reason: 7 }, { reason: "a newer one" }, { tool: [] }],
  },
  "git.rewrite": {
    good: [{}, { kind: "rebase", pairs: [{ old: "a", new: "b", more: 1 }] }],
    bad: [{ pairs: "a b" }, { pairs: [{ old: "a" }] }, { kind: 7 }],
  },
  "agent.tool": {
    good: [
      {},
      { tool: "Bash", tool_use_id: "t", paths: ["/a"], command: "ls", exit_code: 1, duration_ms: 0.5 },
    ],
    bad: [{ tool: 7 }, { paths: "/a" }, { exit_code: 0.5 }, { duration_ms: -1 }],
  },
};

describe.each(Object.entries(examples))("the payload of %s", (type, { good, bad }) => {
  const accepts = (data: object) => isKnownEventType(type) && payloadSchemas[type].safeParse(data).success;

  test("is accepted where it is complete, with its further keys kept", () => {
    for (const data of good) {
      expect(accepts(data)).toBe(true);
      expect(isKnownEventType(type) && payloadSchemas[type].parse({ ...data, a_new_key: [1] })).toMatchObject(
        { ...data, a_new_key: [1] },
      );
    }
  });

  test("is refused where a key is missing or of another type", () => {
    for (const data of bad) expect(accepts(data)).toBe(false);
  });
});

describe("a type that is not known", () => {
  test.each(["robot.arm.moved", "constructor", "__proto__", "toString", "session"])("%s", (type) => {
    expect(isKnownEventType(type)).toBe(false);
  });
});

test("a text missing in an enumeration is distinguished from all other mistakes", () => {
  const check = (data: object) =>
    payloadSchemas["session.start"].safeParse(data).error?.issues.map((issue) => isUnknownValue(issue, data));
  expect(check({ ...start, source: "a newer one" })).toEqual([true]);
  expect(check({ ...start, source: 7 })).toEqual([false]);
  expect(check({ ...start, source: null })).toEqual([false]);
  expect(check({ ...start, source: "a newer one", cwd: 7 })).toEqual([false, true]);
});
