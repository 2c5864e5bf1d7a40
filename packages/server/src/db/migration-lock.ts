import { StorageError } from "../errors.ts";
import { type Connection, reserveConnection } from "./connection.ts";
import type { Sql } from "./postgres.ts";

/** The key of `SELECT pg_advisory_lock(48756301)`: everything that migrates takes this one lock. */
export const MIGRATION_LOCK_KEY = 48_756_301;
export const MIGRATION_LOCK_POLL_MS = 75;
export const MIGRATION_LOCK_DEADLINE_MS = 300_000;
const WAIT_REPORT_MS = 1_000;

export type LockOptions = {
  /** Told once a second while another process holds the lock. */
  onWait?: (waited_ms: number) => void;
};

/**
 * Runs `work` on one connection that holds the migration lock, and gives both back.
 * The lock is polled: a waiter inside pg_advisory_lock deadlocks with CREATE INDEX CONCURRENTLY (40P01).
 * Lock, work and unlock share one connection, because a pool would unlock on another one.
 */
export async function withMigrationLock<T>(
  sql: Sql,
  options: LockOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await reserveConnection(sql);
  try {
    // A migration may take long; and a client that dies must not hold the lock until its statement ends.
    await connection.script("SET statement_timeout = 0; SET client_connection_check_interval = '1s'");
    await acquire(connection, options);
    return await work(connection);
  } finally {
    if (!connection.isDead()) {
      await connection.query`SELECT pg_advisory_unlock(${MIGRATION_LOCK_KEY})`;
      await connection.script("RESET statement_timeout; RESET client_connection_check_interval");
    }
    connection.release();
  }
}

async function acquire(connection: Connection, options: LockOptions): Promise<void> {
  const startedAt = performance.now();
  let reportAt = WAIT_REPORT_MS;
  for (;;) {
    const [row] = await connection.query<
      { locked: boolean }[]
    >`SELECT pg_try_advisory_lock(${MIGRATION_LOCK_KEY}) AS locked`;
    if (row?.locked === true) return;
    const waited_ms = performance.now() - startedAt;
    if (waited_ms > MIGRATION_LOCK_DEADLINE_MS) throw lockTimeout();
    if (waited_ms >= reportAt) {
      options.onWait?.(Math.round(waited_ms));
      reportAt += WAIT_REPORT_MS;
    }
    await Bun.sleep(MIGRATION_LOCK_POLL_MS);
  }
}

function lockTimeout(): StorageError {
  return new StorageError(
    `Another process has held the migration lock for ${MIGRATION_LOCK_DEADLINE_MS / 1000} s. ` +
      `Find it: SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = ${MIGRATION_LOCK_KEY};`,
    "STORAGE_MIGRATION_LOCK_TIMEOUT",
  );
}
