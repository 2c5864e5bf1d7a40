import { derivationsOf } from "@wharf/protocol";
import type { EventRow } from "../db/ingest/flush-events.ts";

/** What the events of a flush are about: reads of it wait until they are projected. */
export type Touched = {
  sessions: ReadonlySet<string>;
  workspaces: ReadonlySet<string>;
  devices: ReadonlySet<string>;
};

export type ToProject = { projected_ids: string[]; touched: Touched };

type Earliest = { at_ms: number; ids: string[] };

/**
 * Which events of a flush a round has to project: those of which something is derived, and for each session on a device the earliest
 * event, from which a stub takes its start. The others only tell once more that their session and device are active.
 */
export function eventsToProject(events: readonly EventRow[]): ToProject {
  const projected_ids: string[] = [];
  const earliest = new Map<string, Earliest>();
  const sessions = new Set<string>();
  const workspaces = new Set<string>();
  const devices = new Set<string>();
  for (const event of events) {
    if (event.session_id !== null) sessions.add(event.session_id);
    workspaces.add(event.workspace_id);
    devices.add(event.device_id);
    if (derivationsOf(event.type).length > 0 || event.data.includes('"_device_'))
      projected_ids.push(event.id);
    else noteEarliest(earliest, event);
  }
  for (const { ids } of earliest.values()) projected_ids.push(...ids);
  return { projected_ids, touched: { sessions, workspaces, devices } };
}

/** Of events within one millisecond all are kept: their text may be finer. */
function noteEarliest(earliest: Map<string, Earliest>, event: EventRow): void {
  const key = `${event.workspace_id}\n${event.device_id}\n${event.session_id ?? ""}`;
  const at_ms = Date.parse(event.timestamp);
  const known = earliest.get(key);
  if (known === undefined || at_ms < known.at_ms) earliest.set(key, { at_ms, ids: [event.id] });
  else if (at_ms === known.at_ms) known.ids.push(event.id);
}
