import type { Database } from "../db/database.ts";
import { readEventDays } from "../db/retention/settings.ts";
import { createRefreshed, type Refreshed } from "../refreshed.ts";

/** A change of a retention applies on every replica after at most this long. */
const CACHE_MS = 5_000;
const DAY_MS = 86_400_000;

/** Which events are too old to be kept, from memory: workspaces that keep events for a time only are few. */
export type EventRetention = Pick<Refreshed<unknown>, "refresh" | "forget"> & {
  /** `workspace`: its id or canonical id. As of the last refresh. */
  isExpired(event: { workspace: string; timestamp: string }): boolean;
};

export type EventRetentionOptions = {
  database: Database;
  now: () => Date;
  /** Milliseconds of a clock that never goes back. */
  monotonicMs?: () => number;
};

export function createEventRetention({
  database,
  now,
  monotonicMs = () => performance.now(),
}: EventRetentionOptions): EventRetention {
  const read = async () => new Map(await database.run(readEventDays));
  const { current, refresh, forget } = createRefreshed(new Map<string, number>(), read, {
    ageMaxMs: CACHE_MS,
    monotonicMs,
  });

  function isExpired({ workspace, timestamp }: { workspace: string; timestamp: string }): boolean {
    const daysOf = current();
    const days = daysOf.size === 0 ? undefined : daysOf.get(workspace);
    return days !== undefined && Date.parse(timestamp) < now().getTime() - days * DAY_MS;
  }

  return { isExpired, refresh, forget };
}
