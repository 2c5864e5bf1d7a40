import { MIGRATION_LOCK_KEY } from "@wharf/job-runner";
import { createTestDatabase, type TestDatabase } from "@wharf/testkit";
import type { Sql } from "../postgres.ts";

/** An empty database for one test: `await using database = await createEmptyDatabase()`. */
export async function createEmptyDatabase(): Promise<TestDatabase & AsyncDisposable> {
  const database = await createTestDatabase();
  return { ...database, [Symbol.asyncDispose]: database.drop };
}

/** How many backends hold the migration lock of this database. */
export async function countLockHolders(sql: Sql): Promise<number> {
  const rows = await sql`
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objid = ${MIGRATION_LOCK_KEY}
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  return rows.length;
}

export async function tableNames(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname COLLATE "C"`;
  return rows.map(({ name }) => name);
}

export async function ledgerNames(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`SELECT name FROM _migrations ORDER BY name COLLATE "C"`;
  return rows.map(({ name }) => name);
}

/** The pid of another backend of this database that runs a statement like `pattern`, once there is one. */
export async function findBackend(sql: Sql, pattern: string): Promise<number | undefined> {
  const [row] = await sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' AND query LIKE ${pattern}`;
  return row?.pid;
}
