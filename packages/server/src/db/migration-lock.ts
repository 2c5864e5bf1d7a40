import {
  FIND_LOCK_HOLDER,
  MIGRATION_LOCK_DEADLINE_MS,
  MIGRATION_LOCK_KEY,
  MIGRATION_LOCK_POLL_MS,
} from "@wharf/job-runner";
import { StorageError } from "../errors.ts";
import { type Connection, openConnection } from "./connection.ts";
import { isPooled, type Sql } from "./postgres.ts";
import { withinTransaction } from "./transaction.ts";

const WAIT_REPORT_MS = 1_000;

export type LockOptions = {
  /** Told once a second while another process holds the lock. */
  onWait?: (waitedMs: number) => void;
};

/**
 * Runs `work` on one connection that holds the migration lock, and gives both back.
 * Lock, work and unlock share one connection, because a pool would unlock on another one.
 */
export async function withMigrationLock<T>(
  sql: Sql,
  options: LockOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  return isPooled(sql) ? withTransactionLock(sql, options, work) : withSessionLock(sql, options, work);
}

/**
 * Through a pooler, which gives each transaction another backend: the lock is that of a second, open transaction, which has neither a
 * snapshot nor locks on tables, so that CREATE INDEX CONCURRENTLY does not wait for it. Each attempt is a transaction of its own: an
 * index that found one of them with a snapshot would wait for its end.
 */
async function withTransactionLock<T>(
  sql: Sql,
  options: LockOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const holder = openConnection(sql);
  const connection = openConnection(sql);
  const attempt = async () => {
    const [row] = await holder.query<
      Locked[]
    >`SELECT pg_try_advisory_xact_lock(${MIGRATION_LOCK_KEY}) AS locked`;
    if (row?.locked !== true) return null;
    // The last query with parameters keeps its snapshot until the next statement.
    await holder.script("SELECT 1");
    return { value: await work(connection) };
  };
  try {
    const { value } = await acquire(options, () => withinTransaction(holder, attempt));
    return value;
  } finally {
    await Promise.all([holder.close(), connection.close()]);
  }
}

async function withSessionLock<T>(
  sql: Sql,
  options: LockOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = openConnection(sql);
  try {
    await connection.script("SET statement_timeout = 0");
    await noticeOwnDeath(connection);
    await acquire(options, async () => {
      const [row] = await connection.query<
        Locked[]
      >`SELECT pg_try_advisory_lock(${MIGRATION_LOCK_KEY}) AS locked`;
      return row?.locked === true ? row : null;
    });
    try {
      return await work(connection);
    } finally {
      // Should it fail, the lock goes with the connection.
      if (!connection.isDead()) {
        await connection.query`SELECT pg_advisory_unlock(${MIGRATION_LOCK_KEY})`.catch(() => undefined);
      }
    }
  } finally {
    await connection.close();
  }
}

/** Else the lock of a client that was killed is held until its statement ends. Not every platform's Postgres can do it. */
async function noticeOwnDeath(connection: Connection): Promise<void> {
  try {
    await connection.script("SET client_connection_check_interval = '1s'");
  } catch (error) {
    if (connection.isDead()) throw error;
  }
}

type Locked = { locked: boolean };

/** The first result of an attempt that is not null. */
async function acquire<T>(options: LockOptions, attempt: () => Promise<T | null>): Promise<T> {
  const startedAt = performance.now();
  let reportAt = WAIT_REPORT_MS;
  for (;;) {
    const acquired = await attempt();
    if (acquired !== null) return acquired;
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > MIGRATION_LOCK_DEADLINE_MS) throw lockTimeout();
    if (waitedMs >= reportAt) {
      options.onWait?.(Math.round(waitedMs));
      reportAt += WAIT_REPORT_MS;
    }
    await Bun.sleep(MIGRATION_LOCK_POLL_MS);
  }
}

function lockTimeout(): StorageError {
  return new StorageError(
    `Another process has held the migration lock for ${MIGRATION_LOCK_DEADLINE_MS / 1000} s. ` +
      `Find it: ${FIND_LOCK_HOLDER}`,
    "STORAGE_MIGRATION_LOCK_TIMEOUT",
  );
}
