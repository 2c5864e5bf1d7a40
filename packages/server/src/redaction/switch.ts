import type { Database } from "../db/database.ts";
import { findUnredactedWorkspaces } from "../db/edits/redaction-switches.ts";
import { createRefreshed, type Refreshed } from "../refreshed.ts";

/** A change of a switch applies on every replica after at most this long. */
const SWITCH_CACHE_MS = 5_000;

/** The switches of all workspaces in memory: those that are off are few. */
export type RedactionSwitch = Pick<Refreshed<unknown>, "refresh" | "forget"> & {
  /** Whether secrets of a workspace (its id or canonical id) are replaced, as of the last `refresh`. */
  isRedacted(workspace: string): boolean;
  /** Ids and canonical ids of workspaces whose secrets are kept. */
  unredacted(): string[];
};

export function createRedactionSwitch(
  database: Database,
  monotonicMs = () => performance.now(),
): RedactionSwitch {
  const read = async () => new Set(await database.run(findUnredactedWorkspaces));
  const { current, refresh, forget } = createRefreshed(new Set<string>(), read, {
    ageMaxMs: SWITCH_CACHE_MS,
    monotonicMs,
  });
  return {
    isRedacted: (workspace) => !current().has(workspace),
    unredacted: () => [...current()],
    refresh,
    forget,
  };
}
