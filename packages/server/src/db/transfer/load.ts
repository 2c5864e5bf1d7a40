import { StorageError } from "../../errors.ts";
import { type Connection, openConnection } from "../connection.ts";
import { migratePhases } from "../phases.ts";
import type { Sql } from "../postgres.ts";
import { withinTransaction } from "../transaction.ts";
import { readTables, type Sequence, type Table, TEXT_SETTINGS } from "./catalog.ts";
import { withoutConstraints } from "./constraints.ts";
import { createDigest, type Digest } from "./digest.ts";
import { requireEmpty, requireKnownMigrations } from "./empty-target.ts";
import { insertRows } from "./insert-rows.ts";
import { readRows } from "./read-rows.ts";
import { columnsOf, type RowSource } from "./snapshot.ts";
import { takeTransferLock } from "./transfer-lock.ts";

export type Progress = {
  /** Rows of a table that were copied so far. */
  onRows(table: string, rows: number): void;
  onTable(table: string, digest: Digest): void;
  /** A table that Wharf's migrations do not make. */
  onUnknownTable(table: string): void;
};

/**
 * Copies everything from `source` into an empty database: the schema by the migrations that `source` had, then all rows in one
 * transaction that also counts them again, then the migrations since. After a failure the target has tables without rows.
 * Throws StorageError TRANSFER_… with the reason.
 */
export async function loadInto(sql: Sql, source: RowSource, progress: Progress): Promise<void> {
  const { migrations } = source.contents;
  await requireKnownMigrations(sql, migrations);
  const connection = openConnection(sql);
  try {
    await withinTransaction(connection, async () => {
      await takeTransferLock(connection);
      await requireEmpty(connection, migrations);
    });
    await migratePhases(sql, { only: new Set(migrations) });
    await withinTransaction(connection, async () => {
      await connection.script(TEXT_SETTINGS);
      await takeTransferLock(connection);
      const tables = await lockTables(connection);
      await requireEmpty(connection, migrations);
      await withoutConstraints(connection, () => copyTables(connection, tables, source, progress));
      await continueSequences(connection, source.contents.sequences);
    });
  } finally {
    await connection.close();
  }
  await migratePhases(sql);
}

/** Nothing else writes to them from here on. */
async function lockTables(connection: Connection): Promise<Map<string, Table>> {
  const tables = await readTables(connection);
  for (const { name } of tables) {
    await connection.query`LOCK TABLE ${connection.identifier(name)} IN ACCESS EXCLUSIVE MODE`;
  }
  return new Map(tables.map((table) => [table.name, table]));
}

async function copyTables(
  connection: Connection,
  tables: ReadonlyMap<string, Table>,
  source: RowSource,
  progress: Progress,
): Promise<void> {
  for (const { name } of source.contents.tables) {
    const target = tables.get(name);
    const columns = columnsOf(source.contents, name);
    if (target === undefined) {
      progress.onUnknownTable(name);
      for await (const _ of source.rows(name));
      continue;
    }
    requireColumns(target, columns);
    const sent = await insertRows(connection, target, columns, source.rows(name), (rows) =>
      progress.onRows(name, rows),
    );
    await requireEqual(connection, name, columns, sent);
    progress.onTable(name, sent);
  }
}

function requireColumns(table: Table, columns: readonly string[]): void {
  const known = new Set(table.columns.map(({ name }) => name));
  const unknown = columns.filter((column) => !known.has(column));
  if (unknown.length === 0) return;
  throw new StorageError(
    `The table ${table.name} has columns that Wharf's migrations do not create: ${unknown.join(", ")}.`,
    "TRANSFER_COLUMNS_UNKNOWN",
  );
}

/** Reads back what was written. */
async function requireEqual(
  connection: Connection,
  table: string,
  columns: readonly string[],
  sent: Digest,
): Promise<void> {
  const digest = createDigest();
  for await (const row of readRows(connection, table, columns)) digest.add(row);
  const { rows, checksum } = digest.result();
  if (rows === sent.rows && checksum === sent.checksum) return;
  throw new StorageError(
    `The table ${table} differs in the target: sent ${sent.rows} rows with checksum ${sent.checksum}, found ${rows} with ${checksum}.`,
    "TRANSFER_NOT_EQUAL",
  );
}

async function continueSequences(connection: Connection, sequences: readonly Sequence[]): Promise<void> {
  for (const { table, column, last_value, is_called } of sequences) {
    await connection.query`
      SELECT setval(pg_get_serial_sequence(c.oid::regclass::text, a.attname), ${last_value}::text::bigint, ${is_called})
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ${table} AND a.attname = ${column} AND a.attidentity <> ''`;
  }
}
