import type { LiveState } from "@wharf/protocol";

/** What is known of a session that shows what happens in it. Times are milliseconds since 1970. */
export type LiveFacts = {
  ended_ms: number | null;
  end_reason: string | null;
  /** It was silent for too long. */
  ended_by_server: boolean;
  /** The last event of its device that is listed in EVENT_SIGNALS. */
  event: { type: string; at_ms: number; reason: string | null } | null;
  /** The last message of its transcript, without notes of the agent. */
  message: { kind: string; at_ms: number; has_tool_use: boolean } | null;
  /** Calls since the last prompt without a result. */
  open_calls: readonly { tool: string | null; at_ms: number }[];
  /** The last time in its transcripts, also in those of subagents. */
  last_ms: number | null;
};

export type Live = { state: LiveState; reason: string; since_ms: number };

/** A call without result, while nothing else happens. */
export const STALE_CALL_MS = 10 * 60_000;
/** After an answer, or while an agent works without a sign. */
export const IDLE_MS = 30 * 60_000;
/** Hooks and transcript of the last turn may be a little later than the end. */
const END_GRACE_MS = 60_000;

/** Tools that ask a person. */
const QUESTIONS: ReadonlyMap<string, string> = new Map([
  ["AskUserQuestion", "question"],
  ["ask_user", "question"],
  ["request_user_input", "question"],
  ["ExitPlanMode", "plan"],
  ["exit_plan_mode", "plan"],
]);

type Signal = Pick<Live, "state" | "reason">;

/** What each event leads to; docs/reading.md has the table. */
const EVENT_SIGNALS: Readonly<Record<string, (reason: string | null) => Signal>> = {
  "session.start": () => ({ state: "idle", reason: "started" }),
  "agent.prompt": () => ({ state: "working", reason: "prompt" }),
  "agent.tool": () => ({ state: "working", reason: "tool" }),
  "agent.turn_end": () => ({ state: "turn_done", reason: "turn_end" }),
  "agent.waiting": (reason) =>
    reason === "permission" || reason === "question" || reason === "plan"
      ? { state: "needs_input", reason }
      : { state: "idle", reason: "waiting" },
};
export const LIVE_EVENT_TYPES = Object.keys(EVENT_SIGNALS);

/** What each kind of message leads to. */
const MESSAGE_SIGNALS: Readonly<Record<string, Signal>> = {
  prompt: { state: "working", reason: "prompt" },
  command: { state: "working", reason: "prompt" },
  shell_command: { state: "turn_done", reason: "shell_command" },
  interruption: { state: "turn_done", reason: "interrupted" },
  tool_result: { state: "working", reason: "tool" },
};

/** What happens in a session at `now_ms`; null: nothing is known that shows it. */
export function liveStateOf(facts: LiveFacts, now_ms: number): Live | null {
  const latest = latestSignal(facts);
  return endOf(facts, latest) ?? (latest === null ? null : afterSilence(facts, latest, now_ms));
}

/** The latest alone decides; of one instant a question, then an event. */
function latestSignal(facts: LiveFacts): Live | null {
  const { event, message, open_calls } = facts;
  const signals: Live[] = [];
  for (const { tool, at_ms } of open_calls) {
    const reason = QUESTIONS.get(tool ?? "");
    if (reason !== undefined) signals.push({ state: "needs_input", reason, since_ms: at_ms });
  }
  const ofEvent = event === null ? undefined : EVENT_SIGNALS[event.type]?.(event.reason);
  if (event !== null && ofEvent !== undefined) signals.push({ ...ofEvent, since_ms: event.at_ms });
  if (message !== null) signals.push({ ...signalOf(message), since_ms: message.at_ms });
  return signals.toSorted((a, b) => b.since_ms - a.since_ms)[0] ?? null;
}

function signalOf({ kind, has_tool_use }: NonNullable<LiveFacts["message"]>): Signal {
  const signal = MESSAGE_SIGNALS[kind];
  if (signal !== undefined) return signal;
  return has_tool_use ? { state: "working", reason: "call" } : { state: "turn_done", reason: "answer" };
}

function endOf({ ended_ms, end_reason, ended_by_server }: LiveFacts, latest: Live | null): Live | null {
  if (ended_ms === null) return null;
  if (ended_by_server) {
    const isBusy = latest?.state === "working" || latest?.state === "needs_input";
    return { state: isBusy ? "unclean" : "ended", reason: "silent", since_ms: ended_ms };
  }
  if (latest !== null && latest.since_ms > ended_ms + END_GRACE_MS) return null;
  const reason = end_reason ?? "other";
  return { state: reason === "crash" ? "unclean" : "ended", reason, since_ms: ended_ms };
}

function afterSilence({ open_calls, last_ms }: LiveFacts, latest: Live, now_ms: number): Live {
  if (latest.state === "needs_input") return latest;
  const heard_ms = Math.max(latest.since_ms, last_ms ?? latest.since_ms);
  const [call] = open_calls;
  if (latest.state === "working" && call !== undefined) {
    const since_ms = heard_ms + STALE_CALL_MS;
    return now_ms < since_ms ? latest : { state: "stale_call", reason: call.tool ?? "call", since_ms };
  }
  const since_ms = heard_ms + IDLE_MS;
  return latest.state === "idle" || now_ms < since_ms
    ? latest
    : { state: "idle", reason: latest.reason, since_ms };
}
