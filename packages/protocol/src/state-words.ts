import type { JobAttempt } from "./job.ts";
import type { DeviceRow, Session } from "./resources/index.ts";
import type { Lifecycle, LiveState } from "./session.ts";

/**
 * The words by which pages and the command line name states to people; JSON and addresses have the identifiers of the API. States of jobs
 * and grades of git matches are words already. This module has no dependency, so that pages and the client take it without zod.
 */
const LIVE_WORDS: Readonly<Record<LiveState, string>> = {
  needs_input: "needs you",
  stale_call: "call hangs",
  turn_done: "answered",
  working: "working",
  idle: "quiet",
  ended: "ended",
  unclean: "broke off",
};
/** Of several sessions, where it is another word. */
const LIVE_PLURALS: Partial<Record<LiveState, string>> = {
  needs_input: "need you",
  stale_call: "calls hang",
};

/** States of sessions that have not ended; what a person has to look at comes first. */
export const OPEN_STATES: readonly LiveState[] = [
  "needs_input",
  "stale_call",
  "turn_done",
  "working",
  "idle",
];
/** In the order in which filters offer them. */
export const SHOWN_STATES: readonly LiveState[] = [...OPEN_STATES, "ended", "unclean"];

/** Of sessions that have ended, or of which nothing is known but that they run. */
const LIFECYCLE_WORDS: Readonly<Record<Lifecycle, string>> = {
  detected: "open",
  capturing: "open",
  ended: "ended",
  parsed: "ended",
  summarized: "ended",
  archived: "archived",
  failed: "unreadable",
};

const REASONS: Readonly<Record<string, string>> = {
  permission: "asks for permission",
  question: "asks a question",
  plan: "asks to approve a plan",
  waiting: "waits",
  prompt: "reads the prompt",
  tool: "read a tool's result",
  call: "runs a tool",
  answer: "waits for the next prompt",
  turn_end: "waits for the next prompt",
  interrupted: "was interrupted",
  shell_command: "ran a shell command",
  started: "has started",
  silent: "sent nothing more",
  crash: "crashed",
};

export function liveStateText(state: LiveState, sessions = 1): string {
  return (sessions === 1 ? undefined : LIVE_PLURALS[state]) ?? LIVE_WORDS[state];
}

/** The state that a person named by its word or by its identifier; null for neither. */
export function liveStateOfText(text: string): LiveState | null {
  const wanted = text.toLowerCase();
  return SHOWN_STATES.find((state) => state === wanted || LIVE_WORDS[state] === wanted) ?? null;
}

type Stated = Pick<Session, "live_state" | "live_reason" | "lifecycle">;

export function sessionStateText({
  live_state,
  lifecycle,
}: Pick<Stated, "live_state" | "lifecycle">): string {
  return live_state === null || live_state === "ended"
    ? LIFECYCLE_WORDS[lifecycle]
    : liveStateText(live_state);
}

/** What happens in the session, or how it ended; empty if that is unknown. */
export function reasonText({ live_state, live_reason }: Pick<Stated, "live_state" | "live_reason">): string {
  if (live_reason === null) return "";
  if (live_state === "stale_call") return `no result of ${live_reason} for 10 minutes`;
  return (Object.hasOwn(REASONS, live_reason) ? REASONS[live_reason] : undefined) ?? live_reason;
}

/** Open sessions: what a person has to look at first, and of one state the latest first. */
export function byUrgency(sessions: readonly Session[]): Session[] {
  const rank = ({ live_state }: Session) =>
    live_state === null ? OPEN_STATES.length : OPEN_STATES.indexOf(live_state);
  const since = (session: Session) => session.live_since ?? session.started_at;
  return sessions.toSorted((a, b) => rank(a) - rank(b) || since(b).localeCompare(since(a)));
}

const DEVICE_WORDS = {
  online: "online",
  offline: "offline",
  provisioning: "joining",
  terminated: "removed",
} as const satisfies Record<DeviceRow["status"], string>;

/** The hub keeps "online" until a device is removed: it is so for this time after it was seen. */
const ONLINE_MS = 5 * 60_000;

export function deviceStatusText(
  { status, last_seen_at }: Pick<DeviceRow, "status" | "last_seen_at">,
  nowMs: number,
): (typeof DEVICE_WORDS)[DeviceRow["status"]] {
  const isSilent = nowMs - Date.parse(last_seen_at) >= ONLINE_MS;
  return DEVICE_WORDS[status === "online" && isSilent ? "offline" : status];
}

export function attemptText(outcome: JobAttempt["outcome"]): string {
  return outcome.replaceAll("_", " ");
}
