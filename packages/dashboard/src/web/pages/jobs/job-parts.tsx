import type { Job, JobState } from "@wharf/protocol";
import type { JSX } from "preact";
import { Badge, type Tone } from "../../ui/parts.tsx";

/** In the order of their urgency; `dead` are those that failed for good. */
export const STATES: readonly JobState[] = [
  "dead",
  "running",
  "ready",
  "waiting",
  "scheduled",
  "completed",
  "cancelled",
];

const TONES: Readonly<Record<JobState, Tone>> = {
  ready: "info",
  scheduled: "quiet",
  waiting: "quiet",
  running: "good",
  completed: "quiet",
  dead: "bad",
  cancelled: "quiet",
};

export function JobBadge({ state }: Pick<Job, "state">): JSX.Element {
  return <Badge tone={TONES[state]}>{state}</Badge>;
}

/** Jobs that have ended can be retried, the others cancelled. */
export function isEnded({ state }: Pick<Job, "state">): boolean {
  return state === "dead" || state === "cancelled" || state === "completed";
}

export function progressText({ message, current, total }: NonNullable<Job["progress"]>): string {
  const count = total === null ? String(current) : `${current} of ${total}`;
  return message === null ? count : `${message} (${count})`;
}
