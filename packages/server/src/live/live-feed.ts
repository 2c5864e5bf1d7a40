import type { LiveKind } from "@wharf/protocol";
import type { Database } from "../db/database.ts";
import { beginChangeLog } from "../db/ingest/change-log.ts";
import { type ChangePosition, findLastChange, readChanges } from "../db/reads/changes.ts";
import { pause, within } from "../waits.ts";
import { type DescribeOptions, describeChanges } from "./describe-changes.ts";
import { isBehind } from "./positions.ts";
import type { Viewer } from "./viewer.ts";

export type LiveFeed = {
  /** From now on the viewer gets what follows its position. */
  join(viewer: Viewer): void;
  leave(viewer: Viewer): void;
  /** Something may have changed. */
  wake(): void;
};

export type LiveFeedOptions = DescribeOptions & {
  /** Writes the first change of a database without any: `reads` may be a replica. */
  edits: Database;
  /** Called when a read has failed; it is retried. */
  onError(error: unknown): void;
  /** Without a hint. */
  pollMs?: number;
};

/** Rows of change_log that one statement reads. */
export const CHANGES_AT_ONCE = 100;
/** Where no hint arrives: behind a pooler, or after a lost connection. */
const POLL_MS = 1_000;
/** From one read's begin to the next one's, so that busy ingest is read in batches. */
const READ_INTERVAL_MS = 25;
/** A committed row that waits for an older transaction: nothing tells when that ends. Doubles up to POLL_MS. */
const PENDING_MS = 10;

/**
 * The one reader of change_log of this process, for all its viewers. Reads while there are viewers, from the position of the one that is
 * furthest behind; each viewer leaves out what it has.
 */
export function createLiveFeed(options: LiveFeedOptions): LiveFeed {
  const { reads, edits, onError, pollMs = POLL_MS } = options;
  const viewers = new Set<Viewer>();
  const joining = new Set<Viewer>();
  let isRunning = false;
  let hint = Promise.withResolvers<void>();
  let pendingMs = PENDING_MS;
  /** What all viewers have been served with, and the next read's begin, which a viewer that joined may have put back. */
  let head: ChangePosition | null = null;
  let cursor: ChangePosition | null = null;

  function wake(): void {
    hint.resolve();
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (viewers.size + joining.size > 0) {
      const startedAt = performance.now();
      hint = Promise.withResolvers();
      const waitMs = await read().catch((error: unknown) => {
        onError(error);
        return pollMs;
      });
      await within(hint.promise, waitMs);
      const restMs = startedAt + READ_INTERVAL_MS - performance.now();
      if (restMs > 0 && waitMs > 0) await pause(restMs);
    }
    isRunning = false;
    head = null;
    cursor = null;
  }

  /** Answers how long the next read may wait for a hint. */
  async function read(): Promise<number> {
    head ??= await findBegin({ reads, edits });
    let from = cursor ?? head;
    for (const viewer of joining) from = admit(viewer, head, from);
    // Before anything can fail: what a viewer that joined has missed must be read again then.
    cursor = from;
    const { isKnown, isPending, changes } = await reads.run((sql) => readChanges(sql, from, CHANGES_AT_ONCE));
    if (!isKnown) {
      await resetAll();
      return 0;
    }
    const kinds = new Set<LiveKind>([...viewers].flatMap(({ filter }) => filter.kinds));
    const described = await describeChanges(options, changes, kinds);
    for (const viewer of viewers) viewer.deliver(described);
    cursor = described.at(-1)?.position ?? from;
    if (isBehind(head, cursor)) head = cursor;
    if (changes.length === CHANGES_AT_ONCE || described.length < changes.length) return 0;
    pendingMs = isPending ? Math.min(2 * pendingMs, pollMs) : PENDING_MS;
    return isPending ? pendingMs : pollMs;
  }

  function admit(viewer: Viewer, begin: ChangePosition, from: ChangePosition): ChangePosition {
    joining.delete(viewer);
    viewers.add(viewer);
    const position = viewer.position();
    if (position === null) viewer.startAt(begin);
    return position !== null && isBehind(position, from) ? position : from;
  }

  /** The row of the cursor was deleted while the database was unavailable, or it is another database. */
  async function resetAll(): Promise<void> {
    const begin = await findBegin({ reads, edits });
    head = begin;
    cursor = begin;
    for (const viewer of viewers) viewer.reset(begin, "changes are no longer known");
  }

  return {
    join: (viewer) => {
      joining.add(viewer);
      wake();
      if (!isRunning) void run();
    },
    leave: (viewer) => {
      joining.delete(viewer);
      viewers.delete(viewer);
      wake();
    },
    wake,
  };
}

/** The last change that is complete; in a database without changes, a first one. */
export async function findBegin({
  reads,
  edits,
}: Pick<LiveFeedOptions, "reads" | "edits">): Promise<ChangePosition> {
  for (;;) {
    const last = await reads.run(findLastChange);
    if (last !== null) return last;
    await edits.run(beginChangeLog);
    await pause(PENDING_MS);
  }
}
