import { Database } from "bun:sqlite";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../contract/database-errors.ts";
import { JobOptionError, JobRunnerError } from "../../contract/errors.ts";

export const BUSY_TIMEOUT_MS = 5000;
const WAL_RETRY_MS = 20;
const SCHEMA_DIR = join(import.meta.dir, "schema");

/**
 * Opens or creates the file and updates its schema. With a write-ahead log readers never wait; with synchronous FULL
 * acknowledged writes are on the disk.
 */
export function openDatabase(path: string, busyTimeoutMs: number): Database {
  const db = connect(path);
  try {
    db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    useWriteAheadLog(db, busyTimeoutMs);
    db.run("PRAGMA synchronous = FULL");
    db.transaction(() => upgrade(db)).immediate();
    return db;
  } catch (error) {
    db.close();
    if (errorCode(error) !== "SQLITE_NOTADB") throw error;
    throw new JobOptionError(`${path} is not a SQLite file; give the path of another one.`, { cause: error });
  }
}

/**
 * SQLite does not wait with its busy_timeout for the change to a write-ahead log: while another process opens the same new file, it
 * fails at once with SQLITE_BUSY. Throws that error after `busyTimeoutMs`.
 */
function useWriteAheadLog(db: Database, busyTimeoutMs: number): void {
  const deadline = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      db.run("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (errorCode(error) !== "SQLITE_BUSY" || performance.now() >= deadline) throw error;
      Bun.sleepSync(WAL_RETRY_MS);
    }
  }
}

function connect(path: string): Database {
  try {
    return new Database(path, { create: true, readwrite: true, strict: true });
  } catch (cause) {
    throw new JobOptionError(
      `The SQLite file ${path} cannot be opened: its folder must exist, and both must be writable.`,
      { cause },
    );
  }
}

/** Applies the schema files with a number above the file's user_version. */
function upgrade(db: Database) {
  const files = readdirSync(SCHEMA_DIR).sort();
  const version = db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
  if (version > files.length) {
    throw new JobRunnerError(
      "JOB_SCHEMA_NEWER",
      `The SQLite file has schema version ${version}, but this program supports ${files.length}; run a newer version of the program.`,
    );
  }
  for (const file of files.slice(version)) db.run(readFileSync(join(SCHEMA_DIR, file), "utf8"));
  db.run(`PRAGMA user_version = ${files.length}`);
}
