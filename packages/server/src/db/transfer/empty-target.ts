import { StorageError } from "../../errors.ts";
import type { Connection } from "../connection.ts";
import { migrationStatus } from "../phases.ts";
import type { Sql } from "../postgres.ts";
import { readLedger, readTables } from "./catalog.ts";

const NAMES_SHOWN = 3;
/** The advice for a database that is not empty, unless it is the embedded one. */
export const USE_NEW_DATABASE = "Use a new database: CREATE DATABASE wharf_new;";

/**
 * Throws StorageError TRANSFER_TARGET_NOT_EMPTY for a database with rows, with foreign tables or views, or with migrations that the
 * copied schema does not have: those have run already, and would not see the rows.
 */
export async function requireEmpty(connection: Connection, migrations: readonly string[]): Promise<void> {
  const ledger = await readLedger(connection);
  const names = ledger.length === 0 ? await relationsOf(connection) : await tablesWithRows(connection);
  if (names.length > 0) throw notEmpty(`it holds ${listed(names)}`);
  const known = new Set(migrations);
  const further = ledger.filter((name) => !known.has(name));
  if (further.length > 0) throw notEmpty(`its schema is newer (${listed(further)})`);
}

/** Throws StorageError TRANSFER_NEWER_VERSION when this version lacks a migration that made the copied schema. */
export async function requireKnownMigrations(sql: Sql, migrations: readonly string[]): Promise<void> {
  const { applied, pending } = await migrationStatus(sql);
  const known = new Set([...applied.map(({ name }) => name), ...pending]);
  const unknown = migrations.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new StorageError(
    `The data was written by a newer version of Wharf, whose migrations this version does not have (${listed(unknown)}). Use that version or a later one.`,
    "TRANSFER_NEWER_VERSION",
  );
}

async function relationsOf(connection: Connection): Promise<string[]> {
  const rows = await connection.query<{ name: string }[]>`
    SELECT relname AS name FROM pg_class c
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY relname`;
  return rows.map(({ name }) => name);
}

async function tablesWithRows(connection: Connection): Promise<string[]> {
  const filled: string[] = [];
  for (const { name } of await readTables(connection)) {
    if (name === "_migrations") continue;
    const rows = await connection.query`SELECT 1 FROM ${connection.identifier(name)} LIMIT 1`;
    if (rows.length > 0) filled.push(name);
  }
  return filled;
}

function notEmpty(reason: string): StorageError {
  return new StorageError(
    `The target database is not empty: ${reason}. Nothing was written. ${USE_NEW_DATABASE}`,
    "TRANSFER_TARGET_NOT_EMPTY",
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(", ");
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown;
}
