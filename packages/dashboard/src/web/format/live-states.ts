import type { LiveState, Session } from "@wharf/protocol";
import type { Tone } from "../ui/parts.tsx";

type Shown = { text: string; tone: Tone };

const SHOWN: Readonly<Record<LiveState, Shown>> = {
  needs_input: { text: "needs you", tone: "needs" },
  stale_call: { text: "call hangs", tone: "bad" },
  turn_done: { text: "answered", tone: "info" },
  working: { text: "working", tone: "good" },
  idle: { text: "quiet", tone: "quiet" },
  ended: { text: "ended", tone: "quiet" },
  unclean: { text: "broke off", tone: "bad" },
};

const REASONS: Readonly<Record<string, string>> = {
  permission: "asks for permission",
  question: "asks a question",
  plan: "asks to approve a plan",
  waiting: "waits",
  prompt: "reads the prompt",
  tool: "read a tool's result",
  call: "runs a tool",
  answer: "has answered",
  turn_end: "has answered",
  interrupted: "was interrupted",
  started: "has started",
  silent: "sent nothing more",
};

/** In the order in which filters offer them. */
export const LIVE_STATES: readonly LiveState[] = [
  "needs_input",
  "stale_call",
  "turn_done",
  "working",
  "idle",
  "ended",
  "unclean",
];

export function shownState(state: LiveState): Shown {
  return SHOWN[state];
}

/** What happens in the session, as words behind its device. */
export function reasonText({ live_state, live_reason }: Session): string {
  if (live_reason === null) return "";
  if (live_state === "stale_call") return `no result of ${live_reason} for 10 minutes`;
  return REASONS[live_reason] ?? live_reason;
}
