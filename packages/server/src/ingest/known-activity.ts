import { LRUCache } from "lru-cache";
import type { EventRow } from "../db/ingest/flush-events.ts";

/** A session on a device in a workspace, and what is known of it. Times are milliseconds. */
type Activity = Pick<EventRow, "workspace_id" | "device_id" | "session_id"> & {
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
  // By the session alone, without a text of all three ids: that took 4 µs an event. Of two devices in a session, the last one is known.
  const known = new LRUCache<string, Activity>({ max: ENTRIES_MAX });
  const keyOf = ({ session_id, device_id }: EventRow) => session_id ?? device_id;

  function of(event: EventRow): Activity | undefined {
    const activity = known.get(keyOf(event));
    return activity !== undefined && isOf(activity, event) ? activity : undefined;
  }

  function add(events: readonly EventRow[], projectedIds: ReadonlySet<string>): void {
    const nowMs = now();
    for (const event of events) {
      const activity = of(event) ?? begin(event);
      activity.earliestMs = Math.min(activity.earliestMs, Date.parse(event.timestamp));
      if (projectedIds.has(event.id)) activity.projectedMs = nowMs;
    }
  }

  function begin(event: EventRow): Activity {
    const { workspace_id, device_id, session_id } = event;
    const never = { earliestMs: Number.POSITIVE_INFINITY, projectedMs: Number.NEGATIVE_INFINITY };
    const activity = { workspace_id, device_id, session_id, ...never };
    known.set(keyOf(event), activity);
    return activity;
  }

  return {
    of,
    isRecent: ({ projectedMs }) => now() - projectedMs < RECENT_MS,
    add,
    clear: () => known.clear(),
  };
}

function isOf(activity: Activity, { workspace_id, device_id, session_id }: EventRow): boolean {
  return (
    activity.session_id === session_id &&
    activity.device_id === device_id &&
    activity.workspace_id === workspace_id
  );
}
