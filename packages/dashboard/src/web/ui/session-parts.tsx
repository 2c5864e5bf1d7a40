import type { LiveState, Session } from "@wharf/protocol";
import { sessionStateText } from "@wharf/protocol/state-words";
import type { JSX } from "preact";
import { Badge, type Tone } from "./parts.tsx";

const UNASSOCIATED = "_unassociated";

/** The name of a repository for people. */
export function repositoryName(name: string): string {
  return name === UNASSOCIATED ? "no repository" : name;
}

const UNKNOWN_PATH = "unknown";

/** A directory of a device; null: no session or commit has stated one. */
export function knownPath(path: string): string | null {
  return path === UNKNOWN_PATH ? null : path;
}

/** Never empty: the title, the first prompt, or the id. */
export function titleOf({ title, initial_prompt, id }: Session): string {
  return title ?? initial_prompt ?? untitled(id);
}

export function untitled(id: string): string {
  return `Session ${id.slice(0, 8)}`;
}

export function sessionHref(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}

const TONES: Readonly<Record<LiveState, Tone>> = {
  needs_input: "needs",
  stale_call: "bad",
  turn_done: "info",
  working: "good",
  idle: "quiet",
  ended: "quiet",
  unclean: "bad",
};

export function StateBadge({ session }: { session: Session }): JSX.Element {
  return <Badge tone={TONES[session.live_state ?? "ended"]}>{sessionStateText(session)}</Badge>;
}
