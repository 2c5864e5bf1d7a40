import type { Database } from "./database.ts";
import { isConnectionLost, isTooSlow, isUnavailable } from "./database-errors.ts";
import { withDeadline } from "./deadline.ts";

/** How long a read waits for the replica before it goes to the primary. */
const CATCH_UP_MAX_MS = 250;
const POLL_MS = 5;
/** A replica that does not tell its position for this long is unavailable: a read would wait for the deadline of a statement. */
const POSITION_MAX_MS = 1_000;
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

  /** Null on a server that is no standby. */
  async function comparePosition(position: string): Promise<boolean | null> {
    const [row] = await replica.run(
      (sql) => sql<{ reached: boolean | null }[]>`
        SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() >= ${position}::pg_lsn END AS reached`,
    );
    return row?.reached ?? null;
  }

  async function hasReached(position: string): Promise<boolean> {
    const endsAt_ms = performance.now() + CATCH_UP_MAX_MS;
    for (;;) {
      const reached = await withDeadline(comparePosition(position), POSITION_MAX_MS);
      if (reached === true) return true;
      if (reached === null || performance.now() >= endsAt_ms) return false;
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
          if (isConnectionLost(error)) replicaFrom_ms = performance.now() + REPLICA_PAUSE_MS;
          // Ended by statement_timeout: the primary would work as long, and end it, too.
          else if (isUnavailable(error)) throw error;
          // A fault of the query's own is thrown by the primary again.
        }
      }
      return await primary.run(query);
    },
    close: async () => {
      await Promise.all([primary.close(), replica.close()]);
    },
  };
}
