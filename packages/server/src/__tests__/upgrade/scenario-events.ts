import { commit, end, minute, type SentEvent, start, toolUse } from "../../ingest/__tests__/event-factory.ts";
import { GOOD_PAYLOADS } from "../../ingest/__tests__/good-payloads.ts";
import { randomEvent } from "../faults/random-events.ts";
import { seededRandom, shuffle } from "../seeded-random.ts";

export const SITE = "github.com/acme/site";
export const NOTES = "gitlab.com/ada/notes";
export const LOCAL = `local:${"5e".repeat(32)}`;
const SEED = 20_260_301;
const RANDOM_EVENTS = 500;
const RANDOM_SESSIONS = Array.from({ length: 20 }, (_, n) => `random-${n}`);
const RANDOM_DEVICES = ["desk", "tower", "build-box"];

/** Begins a deletion that the process does not finish. */
export const HALF_DELETED = "half-deleted";
export const DELETED = "deleted";
export const SILENT = "silent";
export const CASES = [
  "plain",
  "late-start",
  "resumed",
  "stub",
  "computed",
  "moved",
  "open",
  "every-type",
] as const;

const desk = { device_id: "desk", workspace_id: SITE };

/** Sessions that each show one rule, in the order in which they are sent. */
function cases(): SentEvent[] {
  const source = { source: "resume" };
  return [
    start("plain", 1, {
      git_branch: "main",
      model: "m-1",
      cc_version: "2.1.0",
      _device_name: "Ada's laptop",
    }),
    toolUse("plain", 2),
    end("plain", 3, { transcript_path: "/t/plain.jsonl" }),
    end("late-start", 20, { duration_ms: 0, model: "m-of-end" }, desk),
    toolUse("late-start", 12, desk),
    start("late-start", 10, { git_branch: "late" }, desk),
    start("resumed", 30),
    end("resumed", 35),
    start("resumed", 40, source),
    toolUse("stub", 52, { device_id: "tower", workspace_id: LOCAL }),
    toolUse("stub", 50, { device_id: "tower", workspace_id: LOCAL }),
    start("computed", 60),
    end("computed", 71, { duration_ms: 0, end_reason: "prompt_input_exit" }),
    start("moved", 82, { _device_type: "remote" }, { device_id: "build-box", workspace_id: NOTES }),
    start("moved", 80, { cwd: "/first" }, desk),
    end("moved", 90, { end_reason: "vanished" }, desk),
    start("open", 100, { source: "teleport" }, desk),
    start(DELETED, 5),
    commit(6, { session_id: DELETED }),
    commit(6.5),
    end(DELETED, 8),
    start(HALF_DELETED, 8),
    ...Array.from({ length: 300 }, (_, n) => toolUse(HALF_DELETED, 8 + n / 1_000)),
    start(SILENT, 110, {}, { device_id: "tower", workspace_id: LOCAL }),
    toolUse(SILENT, 113, { device_id: "tower", workspace_id: LOCAL }),
  ];
}

/** Types that were added after the recorded database: they come into it with the next one. */
const TYPES_SINCE: ReadonlySet<string> = new Set([
  "agent.prompt",
  "agent.turn_end",
  "agent.waiting",
  "agent.tool",
  "git.rewrite",
]);

/** One of each known type, and of types of the future. */
function everyType(): SentEvent[] {
  const types = Object.entries(GOOD_PAYLOADS).filter(([type]) => !TYPES_SINCE.has(type));
  const future = [
    "agent.prompt",
    "agent.turn_end",
    "agent.waiting",
    "agent.tool",
    "agent.cwd",
    "git.rewrite",
  ];
  return [...types, ...future.map((type) => [type, { text: "é 😀 \\N" }] as const)].map(
    ([type, data], n) => ({
      ...toolUse("every-type", 120 + n, desk),
      type,
      data: { ...data },
    }),
  );
}

/** Git activity by its time alone: within sessions, at their bounds, and outside of all. */
function git(): SentEvent[] {
  const push = { branch: "main", remote: "https://example.org/acme/site.git", commit_count: 2 };
  const checkout = { from_ref: "a", to_ref: "b", from_branch: null, to_branch: "next" };
  const merge = {
    merge_commit: "e".repeat(40),
    message: "Merge",
    merged_branch: "next",
    into_branch: "main",
  };
  const by = (type: string, at: number, data: object, fields: object = desk): SentEvent => ({
    ...commit(at, fields),
    type: `git.${type}`,
    data: { ...data },
  });
  return [
    commit(2),
    commit(3),
    commit(4),
    commit(15, desk),
    by("push", 16, push),
    by("checkout", 85, checkout),
    by("merge", 89, { ...merge, files_changed: 3, had_conflicts: false }),
    commit(150, desk),
    by("push", 95, push, { device_id: "desk", workspace_id: NOTES }),
    commit(41),
  ];
}

function remoteEnvironments(): SentEvent[] {
  const of = (type: string, at: number, data: object): SentEvent => ({
    ...toolUse("", at, { device_id: "tower", workspace_id: NOTES, session_id: null }),
    type: `remote.${type}`,
    data: { ...data },
  });
  const build = { instance_type: "small", region: "eu", blueprint: { memory_gb: 4 } };
  const ready = { public_ip: "192.0.2.7", ssh_port: 22, device_id: "box-1" };
  return [
    of("provision.ready", 202, { instance_id: "i-1", ...ready }),
    of("provision.start", 200, { instance_id: "i-1", ...build }),
    of("terminate", 209, { instance_id: "i-1", reason: "ttl", uptime_seconds: 9, total_cost_usd: 0.25 }),
    of("provision.start", 203, { instance_id: "i-2", ...build }),
    of("provision.error", 204, { instance_id: "i-2", error: "no capacity" }),
    of("provision.start", 205, { instance_id: "i-3", ...build }),
  ];
}

/** What several devices send about shared sessions, in any order. Environments of several devices are left to `remoteEnvironments`. */
function randomEvents(random: () => number): SentEvent[] {
  const events = Array.from({ length: RANDOM_EVENTS }, (_, n) =>
    randomEvent(RANDOM_DEVICES[n % RANDOM_DEVICES.length] ?? "", RANDOM_SESSIONS, random),
  );
  return events.filter(({ type }) => !type.startsWith("remote."));
}

/** All events that are sent before the process is hindered. The same at each call but for the ids of `numbered`. */
export function sentEvents(): SentEvent[] {
  const random = seededRandom(SEED);
  return [
    ...cases(),
    ...shuffle(git(), random),
    ...remoteEnvironments(),
    ...everyType(),
    ...randomEvents(random),
  ];
}

/** What is acknowledged while rounds wait for a lock, and left behind by the end of the process. */
export function leftPending(): SentEvent[] {
  return [
    end("open", 108, {}, desk),
    start("stub", 49, { git_branch: "found" }, { device_id: "tower", workspace_id: LOCAL }),
    start("resumed", 28, { model: "earlier" }),
    end("every-type", 400, {}, desk),
    commit(105, desk),
    commit(48, { device_id: "tower", workspace_id: LOCAL }),
    start("left-behind", 300, { _device_name: "Tower" }, { device_id: "tower", workspace_id: SITE }),
    commit(301, { device_id: "tower", workspace_id: SITE }),
  ];
}

/** What is stored although a table refuses to take it. */
export function leftForRetry(): SentEvent[] {
  const inSession = { session_id: "plain" };
  const agent = { session_id: "plain", agent_id: "a-9", agent_type: "reviewer", team_name: "late team" };
  return [
    { ...toolUse("plain", 2.1), type: "subagent.start", data: agent },
    {
      ...toolUse("plain", 2.5),
      type: "worktree.create",
      data: { ...inSession, worktree_name: "late", branch: "b" },
    },
    { ...toolUse("plain", 2.6), type: "skill.invoke", data: { ...inSession, skill_name: "late-skill" } },
    commit(2.7, { session_id: "plain" }),
    commit(83, desk),
    start("failed-at-first", 310, { git_branch: "retry" }, desk),
    end("failed-at-first", 312, {}, desk),
  ];
}

/** Ids in the order of sending, so that the same script makes the same events. */
export function numbered(events: readonly SentEvent[], from: number): SentEvent[] {
  return events.map((event, n) => ({ ...event, id: `01KM${String(from + n).padStart(22, "0")}` }));
}

export { minute };
