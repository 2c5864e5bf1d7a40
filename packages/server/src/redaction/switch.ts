import type { Database } from "../db/database.ts";
import { findUnredactedWorkspaces } from "../db/edits/redaction-switches.ts";

/** A change of a switch applies on every replica after at most this long. */
const SWITCH_CACHE_MS = 5_000;

/** The switches of all workspaces in memory: those that are off are few. */
export type RedactionSwitch = {
  /** Whether secrets of a workspace (its id or canonical id) are replaced, as of the last `refresh`. */
  isRedacted(workspace: string): boolean;
  /** Ids and canonical ids of workspaces whose secrets are kept. */
  unredacted(): string[];
  /** Reads the switches when they are older than SWITCH_CACHE_MS. Never rejects: without an answer, the last one stands. */
  refresh(): Promise<void>;
  /** The next refresh reads them: this process has changed one. */
  forget(): void;
};

export function createRedactionSwitch(database: Database, now = () => performance.now()): RedactionSwitch {
  let unredacted: ReadonlySet<string> = new Set();
  let asOfMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;

  async function read(): Promise<void> {
    const startedMs = now();
    asOfMs = startedMs;
    const found = await database.run(findUnredactedWorkspaces).catch(() => null);
    if (found === null) asOfMs = Number.NEGATIVE_INFINITY;
    // Another read began after a change.
    else if (asOfMs === startedMs) unredacted = new Set(found);
  }

  async function refresh(): Promise<void> {
    if (underWay === undefined && now() - asOfMs < SWITCH_CACHE_MS) return;
    underWay ??= read().finally(() => {
      underWay = undefined;
    });
    await underWay;
  }

  return {
    isRedacted: (workspace) => !unredacted.has(workspace),
    unredacted: () => [...unredacted],
    refresh,
    forget: () => {
      asOfMs = Number.NEGATIVE_INFINITY;
      underWay = undefined;
    },
  };
}
