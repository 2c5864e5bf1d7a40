import type { Database } from "./database.ts";
import { isTooSlow, isUnavailable } from "./database-errors.ts";

/** How long a read waits for the replica before it goes to the primary. */
const CATCH_UP_MAX_MS = 250;
const POLL_MS = 5;
/** After a failure, the other server is asked alone for this long. */
const REPLICA_PAUSE_MS = 10_000;
const PRIMARY_PAUSE_MS = 1_000;

/**
 * Reads by a replica that has everything that the primary had when the read began, so that each client reads what it wrote, by any
 * server. The primary is read where the replica is behind, fails, or is no standby; while the primary is unavailable, the replica as it is.
 */
export function withReplica(primary: Database, replica: Database): Database {
  let replicaFrom_ms = 0;
  let primaryFrom_ms = 0;

  /** What the primary has stored; null while it is unavailable. */
  async function positionOfPrimary(): Promise<string | null> {
    if (performance.now() < primaryFrom_ms) return null;
    try {
      const [row] = await primary.run(
        (sql) => sql<{ position: string }[]>`SELECT pg_current_wal_flush_lsn()::text AS position`,
      );
      return row?.position ?? null;
    } catch (error) {
      // A primary that is slow still commits: a replica that was not compared with it could miss that.
      if (!isUnavailable(error) || isTooSlow(error)) throw error;
      primaryFrom_ms = performance.now() + PRIMARY_PAUSE_MS;
      return null;
    }
  }

  async function hasReached(position: string): Promise<boolean> {
    const endsAt_ms = performance.now() + CATCH_UP_MAX_MS;
    for (;;) {
      // Null on a server that is no standby.
      const [row] = await replica.run(
        (sql) => sql<{ reached: boolean | null }[]>`
          SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= ${position}::pg_lsn AS reached`,
      );
      if (row?.reached === true) return true;
      if (row?.reached !== false || performance.now() >= endsAt_ms) return false;
      await Bun.sleep(POLL_MS);
    }
  }

  return {
    run: async (query) => {
      if (performance.now() >= replicaFrom_ms) {
        const position = await positionOfPrimary();
        try {
          if (position === null || (await hasReached(position))) return await replica.run(query);
        } catch (error) {
          // A fault of the query's own is thrown by the primary again.
          if (isUnavailable(error)) replicaFrom_ms = performance.now() + REPLICA_PAUSE_MS;
        }
      }
      return await primary.run(query);
    },
    close: async () => {
      await Promise.all([primary.close(), replica.close()]);
    },
  };
}
