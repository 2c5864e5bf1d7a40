import { LRUCache } from "lru-cache";
import type { EventRow } from "../db/ingest/flush-events.ts";

/** Remembers which parents of events exist. */
export type KnownParents = {
  /** Whether the sessions of these events, and the links of their devices to their workspaces, are known to exist. */
  includeThoseOf(events: readonly EventRow[]): boolean;
  /** These events are stored. */
  add(events: readonly EventRow[]): void;
  /** A parent was deleted. */
  clear(): void;
};

const KNOWN_PARENTS_MAX = 20_000;

/**
 * A flush of events whose parents are known looks for none: see ADR 37 for the figure. An entry that is wrong does no harm: a parent
 * that was deleted violates a foreign key, and the flush runs again.
 */
export function createKnownParents(): KnownParents {
  const sessions = new LRUCache<string, true>({ max: KNOWN_PARENTS_MAX });
  const links = new LRUCache<string, true>({ max: KNOWN_PARENTS_MAX });

  const isKnown = (event: EventRow) =>
    links.get(linkOf(event)) !== undefined &&
    (event.session_id === null || sessions.get(event.session_id) !== undefined);

  return {
    includeThoseOf: (events) => events.every(isKnown),
    add: (events) => {
      for (const event of events) {
        links.set(linkOf(event), true);
        if (event.session_id !== null) sessions.set(event.session_id, true);
      }
    },
    clear: () => {
      sessions.clear();
      links.clear();
    },
  };
}

/** All ids of workspaces are of one length. */
function linkOf({ workspace_id, device_id }: EventRow): string {
  return workspace_id + device_id;
}
