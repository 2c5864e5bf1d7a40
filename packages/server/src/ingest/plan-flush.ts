import { derivationsOf } from "@wharf/protocol";
import type { EventRow } from "../db/ingest/flush-events.ts";
import type { KnownActivity } from "./known-activity.ts";

/** What the events of a flush are about: reads of it wait until they are projected. */
export type Touched = {
  sessions: ReadonlySet<string>;
  workspaces: ReadonlySet<string>;
  devices: ReadonlySet<string>;
};

export type FlushPlan = {
  /** Whether a device, a session or a link of a workspace and a device may not exist yet. */
  mayHaveNewParents: boolean;
  /** Those events that a round has to project. */
  projected_ids: string[];
  touched: Touched;
};

type Earliest = { atMs: number; ids: string[] };

/**
 * What a flush of these events has to do. A round has to project the events of which something is derived, and of the others, for each
 * session on a device, the earliest: a stub begins with it, and it shows as well as all others that session and device are active. It
 * is left out when a round has learned that lately.
 */
export function planFlush(
  events: readonly EventRow[],
  known: Pick<KnownActivity, "of" | "isRecent">,
): FlushPlan {
  const projected_ids: string[] = [];
  const earliest = new Map<string, Earliest>();
  const sessions = new Set<string>();
  const workspaces = new Set<string>();
  const devices = new Set<string>();
  let mayHaveNewParents = false;
  for (const event of events) {
    if (event.session_id !== null) sessions.add(event.session_id);
    workspaces.add(event.workspace_id);
    devices.add(event.device_id);
    const activity = known.of(event);
    if (activity === undefined) mayHaveNewParents = true;
    const isNews = derivationsOf(event.type).length > 0 || event.data.includes('"_device_');
    if (isNews) projected_ids.push(event.id);
    else if (
      activity === undefined ||
      !known.isRecent(activity) ||
      Date.parse(event.timestamp) <= activity.earliestMs
    )
      noteEarliest(earliest, event);
  }
  for (const { ids } of earliest.values()) projected_ids.push(...ids);
  return { mayHaveNewParents, projected_ids, touched: { sessions, workspaces, devices } };
}

/** Of events within one millisecond all are kept: their text may be finer. */
function noteEarliest(earliest: Map<string, Earliest>, event: EventRow): void {
  // Ids have no line breaks.
  const key = `${event.workspace_id}\n${event.device_id}\n${event.session_id ?? ""}`;
  const atMs = Date.parse(event.timestamp);
  const before = earliest.get(key);
  if (before === undefined || atMs < before.atMs) earliest.set(key, { atMs, ids: [event.id] });
  else if (atMs === before.atMs) before.ids.push(event.id);
}
