import type { Logger } from "pino";
import type { SnapshotHolder } from "../contract/admin-store.ts";
import type { Driver } from "../contract/driver.ts";

/** Age from which a snapshot slows claims, which then read dead rows. */
const OLD_SNAPSHOT_MS = 300_000;

export type SnapshotWatch = {
  look(): Promise<void>;
  /** At the last check: the number, and the age of the oldest in ms. */
  state(): {
    holders: number;
    oldestMs: number;
  };
};

/** Finds snapshots that hold back vacuum, and logs each once while it exists. */
export function createSnapshotWatch(
  driver: Driver,
  logger: Logger,
  olderThanMs = OLD_SNAPSHOT_MS,
): SnapshotWatch {
  let holders: readonly SnapshotHolder[] = [];
  let known: ReadonlySet<string> = new Set();

  async function look(): Promise<void> {
    if (driver.snapshotHolders === undefined) return;
    holders = await driver.snapshotHolders(olderThanMs);
    for (const holder of holders) if (!known.has(nameOf(holder))) warn(holder);
    known = new Set(holders.map(nameOf));
  }

  function warn({ kind, name, application, ageMs, ageTransactions }: SnapshotHolder) {
    const fields = {
      kind,
      name,
      application,
      age_ms: ageMs && Math.round(ageMs),
      age_transactions: ageTransactions,
    };
    logger.warn(fields, "an old snapshot holds back vacuum: end this transaction, or drop the slot");
  }

  return {
    look,
    /** At the last check: the number, and the age of the oldest in ms. */
    state: () => ({
      holders: holders.length,
      oldestMs: Math.max(0, ...holders.map((holder) => holder.ageMs ?? 0)),
    }),
  };
}

function nameOf({ kind, name }: SnapshotHolder): string {
  return `${kind} ${name}`;
}
