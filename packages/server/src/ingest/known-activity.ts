import { LRUCache } from "lru-cache";
import type { EventRow } from "../db/ingest/flush-events.ts";

/** What is known of a session on a device in a workspace. Times are milliseconds. */
type Activity = {
  /** The earliest event, since 1970. */
  earliestMs: number;
  /** When an event was last given to a round, by a clock that never goes back. */
  projectedMs: number;
};

export type KnownActivity = {
  /** Undefined: the session, the device or its link to the workspace may not exist yet. */
  of(event: EventRow): Activity | undefined;
  /** Whether a round has learned lately that the session and the device are active. */
  isRecent(activity: Activity): boolean;
  /** These events are stored, and those with `projectedIds` are queued for a round. */
  add(events: readonly EventRow[], projectedIds: ReadonlySet<string>): void;
  /** A parent was deleted. */
  clear(): void;
};

const ENTRIES_MAX = 20_000;
/** How far `last_seen_at` of a device may lag behind its events, and `last_heard_at` of a session. */
export const RECENT_MS = 5_000;

/**
 * Caches which sessions, devices and links exist, and when a round was last told that they are active: see ADR 37 for the figures. No
 * wrong entry does harm: a parent that was deleted violates a foreign key, and the flush runs again.
 */
export function createKnownActivity(now: () => number = () => performance.now()): KnownActivity {
  const known = new LRUCache<string, Activity>({ max: ENTRIES_MAX });

  function add(events: readonly EventRow[], projectedIds: ReadonlySet<string>): void {
    const nowMs = now();
    for (const event of events) {
      const key = keyOf(event);
      const before = known.get(key);
      const earliestMs = Math.min(
        before?.earliestMs ?? Number.POSITIVE_INFINITY,
        Date.parse(event.timestamp),
      );
      const projectedMs = projectedIds.has(event.id) ? nowMs : before?.projectedMs;
      known.set(key, { earliestMs, projectedMs: projectedMs ?? Number.NEGATIVE_INFINITY });
    }
  }

  return {
    of: (event) => known.get(keyOf(event)),
    isRecent: ({ projectedMs }) => now() - projectedMs < RECENT_MS,
    add,
    clear: () => known.clear(),
  };
}

/** Ids have no line breaks. */
export function keyOf({ workspace_id, device_id, session_id }: EventRow): string {
  return `${workspace_id}\n${device_id}\n${session_id ?? ""}`;
}
