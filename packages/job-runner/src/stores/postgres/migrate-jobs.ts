import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sql } from "postgres";
import { errorCode } from "../../contract/database-errors.ts";
import type { PostgresClient } from "../../contract/driver.ts";
import { JobRunnerError } from "../../contract/errors.ts";
import {
  FIND_LOCK_HOLDER,
  MAKE_LEDGER,
  MIGRATION_LOCK_DEADLINE_MS,
  MIGRATION_LOCK_KEY,
  MIGRATION_LOCK_POLL_MS,
} from "../migration-ledger.ts";
import { isSameMigration, type MigrationText, readMigrationText } from "../migration-text.ts";
import { jobMigrationsDir } from "../migrations-dir.ts";

/** The SQLSTATE of a table or index that exists. */
const EXISTS = "42P07";
/** Our own SQLSTATE for "another process migrates", distinct from all other errors. */
const LOCKED = "WJ001";

export type MigrationTarget = {
  readonly sql: PostgresClient;
  /** Sends several statements at once. Postgres runs them in one transaction. */
  script(text: string): Promise<unknown>;
};

export type MigrateOptions = {
  /** How long to wait for another process that migrates. Default 5 minutes. */
  readonly lockDeadlineMs?: number;
};

type MigrationFile = MigrationText & { readonly name: string };

/**
 * Creates or updates the engine's tables: applies each file of `jobMigrationsDir` once and records it in `_migrations` like
 * Wharf's server, so that both can share a database. Any number of processes may call it concurrently. Returns the names of
 * the applied files.
 */
export function migrateJobs(sql: Sql, options?: MigrateOptions): Promise<string[]> {
  return applyMigrations({ sql, script: (text) => sql.unsafe(text) }, options);
}

/** Like migrateJobs, for any target that runs statements and scripts. */
export async function applyMigrations(
  target: MigrationTarget,
  options: MigrateOptions = {},
): Promise<string[]> {
  const deadlineMs = performance.now() + (options.lockDeadlineMs ?? MIGRATION_LOCK_DEADLINE_MS);
  const applied: string[] = [];
  if (!(await hasLedger(target))) await underLock(target, MAKE_LEDGER, deadlineMs);
  for (const file of await readMigrations()) {
    if (await isApplied(target, file)) continue;
    const record = `INSERT INTO _migrations (name, checksum) VALUES ('${file.name}', '${file.checksum}');`;
    try {
      await underLock(target, `${record}\n${file.text}`, deadlineMs);
      applied.push(file.name);
    } catch (error) {
      // Another process may have applied it in the meantime: its row aborted our transaction.
      if (error instanceof JobRunnerError || !(await isApplied(target, file))) throw failure(file, error);
    }
  }
  return applied;
}

async function readMigrations(): Promise<MigrationFile[]> {
  const names = (await readdir(jobMigrationsDir)).filter((name) => /^\d+_[a-z_]+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => ({
      name,
      ...readMigrationText(await readFile(join(jobMigrationsDir, name), "utf8")),
    })),
  );
}

/** Checked first, so that a role without rights on the schema can start when nothing is to be applied. */
async function hasLedger({ sql }: MigrationTarget): Promise<boolean> {
  const columns = await sql<object[]>`
    SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('_migrations') AND attname = 'checksum'`;
  return columns.length > 0;
}

async function isApplied({ sql }: MigrationTarget, file: MigrationFile): Promise<boolean> {
  const [row] = await sql<{ checksum: string | null }[]>`
    SELECT checksum FROM _migrations WHERE name = ${file.name}`;
  if (row === undefined || isSameMigration(row.checksum, file)) return row !== undefined;
  throw new JobRunnerError(
    "JOB_MIGRATION_EDITED",
    `${file.name} was changed after it was applied to this database; run the version of the program that applied it, or a newer one.`,
  );
}

/**
 * Runs a script in one transaction that holds the lock, so that the lock ends with the script even after a crash or with a
 * pooler. Polled, because a waiter inside pg_advisory_lock deadlocks with CREATE INDEX CONCURRENTLY.
 */
async function underLock(target: MigrationTarget, text: string, deadlineMs: number): Promise<void> {
  const lock = `DO $lock$ BEGIN IF NOT pg_try_advisory_xact_lock(${MIGRATION_LOCK_KEY}) THEN
    RAISE EXCEPTION USING ERRCODE = '${LOCKED}', MESSAGE = 'another process migrates'; END IF; END $lock$;`;
  for (;;) {
    try {
      await target.script(`${lock}\n${text}`);
      return;
    } catch (error) {
      if (errorCode(error) !== LOCKED) throw error;
      if (performance.now() > deadlineMs) throw lockedError();
    }
    await Bun.sleep(MIGRATION_LOCK_POLL_MS);
  }
}

function lockedError(): JobRunnerError {
  return new JobRunnerError(
    "JOB_MIGRATION_LOCKED",
    `Another process has held the migration lock for too long. Find it with: ${FIND_LOCK_HOLDER}`,
  );
}

function failure(file: MigrationFile, error: unknown): JobRunnerError {
  if (error instanceof JobRunnerError) return error;
  const reason = error instanceof Error ? error.message : "unknown";
  const remedy =
    errorCode(error) === EXISTS
      ? ". If it belongs to your application, set `schema` or the `search_path` of your pool."
      : "";
  const message = `${file.name} could not be applied (${errorCode(error) ?? "no code"}): ${reason}${remedy}`;
  return new JobRunnerError("JOB_MIGRATION_FAILED", message);
}
