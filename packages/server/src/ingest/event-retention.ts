import type { Database } from "../db/database.ts";
import { readEventDays } from "../db/retention/settings.ts";

/** A change of a retention applies on every replica after at most this long. */
const CACHE_MS = 5_000;
const DAY_MS = 86_400_000;

/** Which events are too old to be kept, from memory: workspaces that keep events for a time only are few. */
export type EventRetention = {
  /** `workspace`: its id or canonical id. As of the last refresh. */
  isExpired(event: { workspace: string; timestamp: string }): boolean;
  /** Reads the retentions when they are older than CACHE_MS. Never rejects: without an answer, the last one stands. */
  refresh(): Promise<void>;
  /** The next refresh reads them: this process has changed one. */
  forget(): void;
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
  let daysOf: ReadonlyMap<string, number> = new Map();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | null = null;

  async function read(): Promise<void> {
    const startedMs = monotonicMs();
    readAtMs = startedMs;
    const rows = await database.run(readEventDays).catch(() => null);
    if (rows === null) readAtMs = Number.NEGATIVE_INFINITY;
    // Another read began after a change.
    else if (readAtMs === startedMs) daysOf = new Map(rows);
  }

  async function refresh(): Promise<void> {
    if (underWay === null && monotonicMs() - readAtMs < CACHE_MS) return;
    underWay ??= read().finally(() => {
      underWay = null;
    });
    await underWay;
  }

  return {
    isExpired: ({ workspace, timestamp }) => {
      const days = daysOf.size === 0 ? undefined : daysOf.get(workspace);
      return days !== undefined && Date.parse(timestamp) < now().getTime() - days * DAY_MS;
    },
    refresh,
    forget: () => {
      readAtMs = Number.NEGATIVE_INFINITY;
      underWay = null;
    },
  };
}
