import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isSameMigration, type MigrationText, readMigrationText } from "@wharf/job-runner";
import { StorageError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { describeDatabaseError, errorCode, isUnavailable } from "./database-errors.ts";
import { type LockOptions, withMigrationLock } from "./migration-lock.ts";
import type { Sql } from "./postgres.ts";
import { splitStatements } from "./split-statements.ts";
import { withinTransaction } from "./transaction.ts";

export type MigrationError = { name: string; error: string };
export type MigrationResult = { applied: string[]; skipped: string[]; errors: MigrationError[] };
export type MigrateOptions = LockOptions & {
  /** Applies these files alone, to get the schema of an older version. */
  only?: ReadonlySet<string>;
};
export type MigrationFile = MigrationText & { name: string };

type LedgerRow = { name: string; checksum: string | null };
type Ledger = Map<string, string | null>;

const NO_TRANSACTION = /^--\s*migrate:no-transaction\s*$/m;

/**
 * Applies the `.sql` files of one folder (not of its subfolders) in lexicographic order, each once and each in a transaction
 * of its own, under the advisory lock. A failing, unreadable or edited file goes to `errors`, and the next is tried.
 * A missing or empty folder has nothing to do. Throws StorageError when the folder cannot be listed, or
 * when the database or the lock cannot be had.
 */
export async function runMigrations(
  sql: Sql,
  dir: string,
  options: MigrateOptions = {},
): Promise<MigrationResult> {
  const result: MigrationResult = { applied: [], skipped: [], errors: [] };
  const { files: found, errors } = await readMigrations(dir);
  const files = found.filter(({ name }) => options.only?.has(name) ?? true);
  result.errors.push(...errors);
  if (files.length === 0) return result;
  try {
    await withMigrationLock(sql, options, async (connection) => {
      const known = await readLedger(connection);
      for (const file of files) await applyOnce(connection, file, known, result);
    });
  } catch (error) {
    throw asStorageError(error);
  }
  return result;
}

/** The migration files of one folder; those that cannot be read are told in `errors`. */
export async function readMigrations(
  dir: string,
): Promise<{ files: MigrationFile[]; errors: MigrationError[] }> {
  const files: MigrationFile[] = [];
  const errors: MigrationError[] = [];
  for (const name of await listSqlFiles(dir)) {
    try {
      files.push({ name, ...readMigrationText(await readFile(join(dir, name), "utf8")) });
    } catch (error) {
      errors.push({ name, error: `cannot be read (${errorCode(error) ?? "unknown"})` });
    }
  }
  return { files, errors };
}

function asStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = isUnavailable(error) ? "STORAGE_UNAVAILABLE" : "STORAGE_MIGRATION_FAILED";
  return new StorageError(`The migrations could not be started: ${describeDatabaseError(error)}.`, code);
}

async function listSqlFiles(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir);
    return entries.filter((name) => name.endsWith(".sql") && !name.startsWith(".")).sort();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    const message = `The migration folder ${dir} cannot be read (${errorCode(error) ?? "unknown"}).`;
    throw new StorageError(message, "STORAGE_MIGRATIONS_UNREADABLE");
  }
}

/** Name and checksum of what is applied; makes the ledger where it is missing. Only ever called under the lock. */
async function readLedger(connection: Connection): Promise<Ledger> {
  if (!(await hasLedger(connection))) await makeLedger(connection);
  const rows = await connection.query<LedgerRow[]>`SELECT name, checksum FROM _migrations`;
  return new Map(rows.map((row) => [row.name, row.checksum]));
}

/** Asked first, so that a role that may not change the schema can start when there is nothing to do. */
async function hasLedger(connection: Connection): Promise<boolean> {
  const columns = await connection.query`
    SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('_migrations') AND attname = 'checksum'`;
  return columns.length > 0;
}

async function makeLedger(connection: Connection): Promise<void> {
  await connection.query`
    CREATE TABLE IF NOT EXISTS _migrations (name TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())`;
  await connection.query`ALTER TABLE _migrations ADD COLUMN IF NOT EXISTS checksum TEXT`;
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
    // Sent as one text they would run in one implicit transaction, which CREATE INDEX CONCURRENTLY refuses.
    for (const statement of splitStatements(file.text)) await connection.script(statement);
    await record(connection, file);
    return;
  }
  await withinTransaction(connection, async () => {
    await connection.script(file.text);
    await record(connection, file);
  });
}

async function record(connection: Connection, file: MigrationFile): Promise<void> {
  await connection.query`INSERT INTO _migrations (name, checksum) VALUES (${file.name}, ${file.checksum})`;
}
