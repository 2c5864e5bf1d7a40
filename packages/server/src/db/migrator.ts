import { isSameMigration, MAKE_LEDGER } from "@wharf/job-runner";
import { StorageError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { describeDatabaseError, errorCode, isUnavailable } from "./database-errors.ts";
import {
  type MigrationError,
  type MigrationFile,
  type MigrationFiles,
  readMigrations,
} from "./migration-files.ts";
import { type LockOptions, withMigrationLock } from "./migration-lock.ts";
import type { Sql } from "./postgres.ts";
import { splitStatements } from "./split-statements.ts";
import { withinTransaction } from "./transaction.ts";

export type MigrationResult = { applied: string[]; skipped: string[]; errors: MigrationError[] };
export type MigrateOptions = LockOptions & {
  /** Applies these files alone, to get the schema of an older version. */
  only?: ReadonlySet<string>;
};
type LedgerRow = { name: string; checksum: string | null };
type Ledger = Map<string, string | null>;

/** deadlock_detected and lock_not_available: the file's transaction was rolled back. */
const LOCK_STATES = new Set(["40P01", "55P03"]);
/**
 * What waits for a lock makes flushes of other processes wait, too: less than half a second, and below deadlock_timeout, which would
 * resolve a deadlock with them only after a second.
 */
const LOCK_TIMEOUT_MS = 300;
const SHORT_ATTEMPTS = 6;
/** Only a statement that has waited for deadlock_timeout makes Postgres end an autovacuum: this long for a role that may set it. */
const DEADLOCK_TIMEOUT_MS = 100;
/** For another role, which waits for Postgres' default of a second. */
const VACUUM_LOCK_TIMEOUT_MS = 2_000;
const LOCKED_PAUSE_MS = 100;
const LOCKED_PAUSE_MAX_MS = 4_000;
const LOCKED_MAX_MS = 120_000;
const NO_TRANSACTION = /^--\s*migrate:no-transaction\s*$/m;

/**
 * Applies the `.sql` files of one folder (not of its subfolders) in lexicographic order, each once and each in a transaction
 * of its own, under the advisory lock. A failing, unreadable or edited file goes to `errors`, and the next is applied.
 * A missing or empty folder has nothing to do. Throws StorageError when the folder cannot be listed, or
 * when the database is unavailable or the lock is held for too long.
 */
export async function runMigrations(
  sql: Sql,
  dir: string,
  options: MigrateOptions = {},
): Promise<MigrationResult> {
  const folder = await readMigrations(dir);
  if (wantedOf(folder, options).length === 0) return { applied: [], skipped: [], errors: folder.errors };
  return await underMigrationLock(sql, options, (connection) => applyFolder(connection, folder, options));
}

/** Runs `work` on the one connection that holds the lock. Throws StorageError, also for an error of the database. */
export async function underMigrationLock<T>(
  sql: Sql,
  options: LockOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  try {
    return await withMigrationLock(sql, options, work);
  } catch (error) {
    throw asStorageError(error);
  }
}

/** As runMigrations, on a connection that holds the lock. */
export async function applyFolder(
  connection: Connection,
  folder: MigrationFiles,
  options: MigrateOptions = {},
): Promise<MigrationResult> {
  const result: MigrationResult = { applied: [], skipped: [], errors: [...folder.errors] };
  const ledger = await readLedger(connection);
  for (const file of wantedOf(folder, options)) await applyOnce(connection, file, ledger, result);
  return result;
}

function wantedOf({ files }: MigrationFiles, { only }: MigrateOptions): MigrationFile[] {
  return files.filter(({ name }) => only?.has(name) ?? true);
}

function asStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = isUnavailable(error) ? "STORAGE_UNAVAILABLE" : "STORAGE_MIGRATION_FAILED";
  return new StorageError(`The migrations could not be started: ${describeDatabaseError(error)}.`, code);
}

/** Name and checksum of what is applied; makes the ledger where it is missing. */
async function readLedger(connection: Connection): Promise<Ledger> {
  if (!(await hasLedger(connection))) await connection.script(MAKE_LEDGER);
  const rows = await connection.query<LedgerRow[]>`SELECT name, checksum FROM _migrations`;
  return new Map(rows.map((row) => [row.name, row.checksum]));
}

/** Asked first, so that a role that may not change the schema can start when there is nothing to do. */
async function hasLedger(connection: Connection): Promise<boolean> {
  const columns = await connection.query`
    SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('_migrations') AND attname = 'checksum'`;
  return columns.length > 0;
}

async function applyOnce(
  connection: Connection,
  file: MigrationFile,
  ledger: Ledger,
  result: MigrationResult,
): Promise<void> {
  const checksum = ledger.get(file.name);
  if (checksum === undefined) {
    try {
      await apply(connection, file);
      result.applied.push(file.name);
    } catch (error) {
      result.errors.push({ name: file.name, error: describeDatabaseError(error) });
    }
  } else if (!isSameMigration(checksum, file)) {
    result.errors.push({ name: file.name, error: editedMessage(file.name) });
  } else {
    result.skipped.push(file.name);
  }
}

function editedMessage(name: string): string {
  return (
    `${name} was edited after it was applied. Restore the file and add the change as a new file. ` +
    `If the database already matches the file, accept it: bun run migrate --accept ${name}`
  );
}

/**
 * A file without a transaction can stop half-way, so each of its statements has to be repeatable: DROP INDEX CONCURRENTLY
 * IF EXISTS before CREATE INDEX CONCURRENTLY, because one that failed leaves an invalid index, which IF NOT EXISTS keeps.
 */
async function apply(connection: Connection, file: MigrationFile): Promise<void> {
  if (NO_TRANSACTION.test(file.text)) {
    await retryWhileLocked(connection, async () => {
      // Sent as one text they would run in one implicit transaction, which CREATE INDEX CONCURRENTLY refuses.
      for (const statement of splitStatements(file.text)) await connection.script(statement);
    });
    await record(connection, file);
    return;
  }
  await retryWhileLocked(connection, (lockTimeoutMs) =>
    withinTransaction(connection, async () => {
      await connection.script(`
        SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL statement_timeout = 0;
        SELECT set_config('deadlock_timeout', '${DEADLOCK_TIMEOUT_MS}', true) WHERE has_parameter_privilege('deadlock_timeout', 'SET')`);
      await connection.script(file.text);
      await record(connection, file);
    }),
  );
}

/** A statement that waits for a table's lock holds up all later ones on that table, such as flushes of other processes. */
async function retryWhileLocked(
  connection: Connection,
  work: (lockTimeoutMs: number) => Promise<void>,
): Promise<void> {
  const endsAt_ms = performance.now() + LOCKED_MAX_MS;
  for (let attempt = 0; ; attempt++) {
    try {
      const waitsForVacuum = attempt >= SHORT_ATTEMPTS && (await isVacuuming(connection));
      return await work(waitsForVacuum ? VACUUM_LOCK_TIMEOUT_MS : LOCK_TIMEOUT_MS);
    } catch (error) {
      if (!LOCK_STATES.has(errorCode(error) ?? "") || performance.now() > endsAt_ms) throw error;
    }
    await Bun.sleep(Math.min(LOCKED_PAUSE_MS * 2 ** attempt, LOCKED_PAUSE_MAX_MS));
  }
}

/** Whether some table is being vacuumed or analyzed: pg_stat_activity hides an autovacuum from most roles, its lock is seen by all. */
async function isVacuuming({ query }: Connection): Promise<boolean> {
  const locks = await query`
    SELECT FROM pg_locks WHERE mode = 'ShareUpdateExclusiveLock' AND locktype = 'relation' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1`;
  return locks.length > 0;
}

async function record(connection: Connection, file: MigrationFile): Promise<void> {
  await connection.query`INSERT INTO _migrations (name, checksum) VALUES (${file.name}, ${file.checksum})`;
}
