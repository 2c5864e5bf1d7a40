import { StorageError } from "../../errors.ts";
import { type Connection, openConnection } from "../connection.ts";
import type { Sql } from "../postgres.ts";
import { LEFT_OUT, readLedger, readSequences, readTables, type Sequence, TEXT_SETTINGS } from "./catalog.ts";
import { readRows } from "./read-rows.ts";
import { shareTransferLock } from "./transfer-lock.ts";

/** The contents of a backup other than rows. */
export type Contents = {
  /** names of the migrations that made the schema */
  migrations: string[];
  tables: { name: string; columns: string[] }[];
  sequences: Sequence[];
};

export type RowSource = {
  contents: Contents;
  /** The rows of a table of `contents`, as JSON arrays of text or null; tables are read one after another, in their order. */
  rows(table: string): AsyncIterable<string>;
};

export type Snapshot = RowSource & {
  postgresVersion: string;
  /** Other connections of Wharf: what they write from now on is not in the snapshot. */
  othersConnected: boolean;
  close(): Promise<void>;
};

/**
 * The whole database as it is at this moment, in one REPEATABLE READ transaction, which `close` ends.
 * Throws StorageError TRANSFER_NO_DATA for a database without Wharf's tables.
 */
export async function openSnapshot(sql: Sql): Promise<Snapshot> {
  const connection = openConnection(sql);
  try {
    await connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await connection.script(TEXT_SETTINGS);
    await shareTransferLock(connection);
    const contents = await readContents(connection);
    const [server] = await connection.query<{ version: string; others: number }[]>`
      SELECT current_setting('server_version') AS version, (
        SELECT count(*)::int FROM pg_stat_activity
        WHERE datname = current_database() AND application_name IN ('wharf', 'wharf-jobs', 'wharf-background', 'wharf-flush')
      ) AS others`;
    return {
      contents,
      postgresVersion: server?.version ?? "",
      othersConnected: (server?.others ?? 0) > 0,
      rows: (table) => readRows(connection, table, columnsOf(contents, table)),
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function readContents(connection: Connection): Promise<Contents> {
  const migrations = await readLedger(connection);
  if (migrations.length === 0) {
    throw new StorageError("This database contains no Wharf data.", "TRANSFER_NO_DATA");
  }
  const tables = (await readTables(connection))
    .filter(({ name }) => !LEFT_OUT.includes(name))
    .map(({ name, columns }) => ({ name, columns: columns.map((column) => column.name) }));
  return { migrations, tables, sequences: await readSequences(connection) };
}

export function columnsOf({ tables }: Contents, name: string): string[] {
  return tables.find((table) => table.name === name)?.columns ?? [];
}
