/**
 * The lock and the ledger of all migrations of a database, shared by this package and Wharf's server.
 * Session locks are polled: a waiter inside pg_advisory_lock deadlocks with CREATE INDEX CONCURRENTLY (40P01).
 */
export const MIGRATION_LOCK_KEY = 48_756_301;
export const MIGRATION_LOCK_POLL_MS = 75;
export const MIGRATION_LOCK_DEADLINE_MS = 300_000;

/** Only ever run under the lock. */
export const MAKE_LEDGER = `
  CREATE TABLE IF NOT EXISTS _migrations (name TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now());
  ALTER TABLE _migrations ADD COLUMN IF NOT EXISTS checksum TEXT;`;

/** Finds the holder of the lock. */
export const FIND_LOCK_HOLDER = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = ${MIGRATION_LOCK_KEY};`;
