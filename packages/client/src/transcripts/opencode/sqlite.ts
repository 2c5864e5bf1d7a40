import type { JsonObject } from "@wharf/transcripts";

/** A database that is open for reading alone. */
export type Database = {
  all(sql: string, ...values: string[]): JsonObject[];
  close(): void;
};

type Opened = { prepare(sql: string): { all(...values: string[]): JsonObject[] }; close(): void };
type OpenDatabase = (path: string) => Opened;

/** opencode may be writing. */
const WAIT_MS = 2_000;

/** Of Bun, or of Node from 22.13 on; null in a runtime without SQLite. Asked for by name: a bundle cannot import what is not there. */
function loadSqlite(): OpenDatabase | null {
  const bun: unknown = "bun" in process.versions ? process.getBuiltinModule("bun:sqlite") : undefined;
  if (isModule<"Database">(bun, "Database")) return (path) => new bun.Database(path, { readonly: true });
  const node: unknown = withoutWarnings(() => process.getBuiltinModule?.("node:sqlite"));
  if (!isModule<"DatabaseSync">(node, "DatabaseSync")) return null;
  return (path) => new node.DatabaseSync(path, { readOnly: true });
}

type Module<Name extends string> = Record<Name, new (path: string, options: object) => Opened>;

function isModule<Name extends string>(value: unknown, name: Name): value is Module<Name> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, name) === "function";
}

/** Node notes with a warning that its SQLite is new. */
function withoutWarnings<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Null in a runtime without SQLite. Throws what SQLite throws. */
export type OpenForReading = (path: string) => Database;

export function findSqlite(): OpenForReading | null {
  const open = loadSqlite();
  return open === null ? null : (path) => openForReading(open(path));
}

/** All statements see the same state of the database, also while it is written. */
function openForReading(database: Opened): Database {
  const all = (sql: string, ...values: string[]) =>
    database
      .prepare(sql)
      .all(...values)
      .map(withoutBytes);
  try {
    all(`PRAGMA busy_timeout = ${WAIT_MS}`);
    all("BEGIN");
  } catch (error) {
    database.close();
    throw error;
  }
  return { all, close: () => database.close() };
}

/** Its texts are JSON; bytes would become an object with a field for each. */
function withoutBytes(row: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Uint8Array ? null : row[name],
    ]),
  );
}

/** Such as of a database that is locked, damaged, or has other tables. */
export function isDatabaseError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (error.name === "SQLiteError" || ("code" in error && error.code === "ERR_SQLITE_ERROR"))
  );
}
