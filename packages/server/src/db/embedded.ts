import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type EmbeddedPostgres,
  type FoundPostgres,
  findEmbeddedPostgres,
  startEmbeddedPostgres,
  tryLock,
} from "@wharf/embedded-postgres";
import type { Config } from "../config.ts";
import { ConfigError, StorageError } from "../errors.ts";
import { errorCode } from "./database-errors.ts";

/** Settings of a database for one server: a third of a minute's writes between checkpoints instead of a few seconds'. */
const EMBEDDED_SETTINGS = {
  shared_buffers: "256MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "15min",
};

export type DatabaseLocation = {
  url: string;
  embedded: EmbeddedPostgres | null;
  /** Stops the embedded Postgres, unless it serves another process. */
  close(): Promise<void>;
};

/**
 * A server has the data folder to itself; a migration and a command may come while a server runs, and a command makes no database
 * where there is none: an empty one would answer that all is well.
 */
export type DatabaseUse = "server" | "migration" | "command";

const LOCK_FILE = "in-use.lock";
/** Longer than a command takes that has the folder at the moment. */
const LOCK_WAIT_MS = 3_000;
const LOCK_POLL_MS = 50;

/**
 * DATABASE_URL, or a Postgres of our own in the data folder. In production a missing DATABASE_URL is an error: an embedded
 * database on a disk that vanishes with the container would lose everything that was acknowledged.
 * Throws StorageError or ConfigError, the latter also for a second server on one data folder.
 */
export async function locateDatabase(
  config: Config,
  dataDir: string,
  use: DatabaseUse,
): Promise<DatabaseLocation> {
  if (config.databaseUrl !== undefined) {
    return { url: config.databaseUrl, embedded: null, close: () => Promise.resolve() };
  }
  refuseInProduction(config);
  if (use === "command") await requireEmbedded(dataDir);
  const lock = await lockDataDir(dataDir, use);
  try {
    const embedded = await startEmbeddedPostgres({
      dataDir: clusterOf(dataDir),
      settings: EMBEDDED_SETTINGS,
    });
    const close = async () => {
      if (lock === null) return;
      await embedded.stop();
      lock.release();
    };
    return { url: embedded.url, embedded, close };
  } catch (error) {
    lock?.release();
    const reason = error instanceof Error ? error.message : "unknown";
    throw new ConfigError(`${reason} Or set DATABASE_URL to a Postgres of yours.`, "EMBEDDED_START_FAILED");
  }
}

/** The connection string, with its password: never log it. Throws StorageError when there is no database, or it does not run. */
export async function databaseUrl(config: Config, dataDir: string): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  refuseInProduction(config);
  const { url, dataDir: found } = await requireEmbedded(dataDir);
  if (url !== undefined) return url;
  throw new StorageError(
    `The database in ${found} does not run: it does while Wharf runs, which \`start\` begins.`,
    "STORAGE_DB_NOT_RUNNING",
  );
}

function refuseInProduction({ isProduction }: Config): void {
  if (!isProduction) return;
  throw new StorageError("DATABASE_URL environment variable is required.", "STORAGE_DB_URL_MISSING");
}

async function requireEmbedded(dataDir: string): Promise<FoundPostgres> {
  const found = await findEmbeddedPostgres({ dataDir: clusterOf(dataDir) });
  if (found !== undefined) return found;
  throw new StorageError(
    `There is no database in ${dataDir} yet: \`start\` makes one; or set DATABASE_URL to a Postgres of yours.`,
    "STORAGE_NO_DATABASE",
  );
}

function clusterOf(dataDir: string): string {
  return join(dataDir, "postgres");
}

/** Null for a command beside a running server, whose Postgres it must not stop. */
async function lockDataDir(dataDir: string, use: DatabaseUse): Promise<{ release(): void } | null> {
  await makeDataDir(dataDir);
  const deadline_ms = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const lock = lockFile(dataDir);
    if (lock !== null || use !== "server") return lock;
    if (performance.now() > deadline_ms) {
      throw new ConfigError(
        `Wharf already runs on the data in ${dataDir}: stop it first, or give this one its own WHARF_DATA_DIR and PORT.`,
        "CONFIG_DATA_DIR_IN_USE",
      );
    }
    await Bun.sleep(LOCK_POLL_MS);
  }
}

async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusableDataDir("made", dataDir, error);
  }
}

function lockFile(dataDir: string): { release(): void } | null {
  try {
    return tryLock(join(dataDir, LOCK_FILE));
  } catch (error) {
    throw unusableDataDir("written to", dataDir, error);
  }
}

function unusableDataDir(action: string, dataDir: string, error: unknown): ConfigError {
  return new ConfigError(
    `The data folder ${dataDir} cannot be ${action} (${errorCode(error) ?? "unknown"}): ` +
      "set WHARF_DATA_DIR to a folder that this user can write to, or DATABASE_URL to a Postgres of yours.",
    "CONFIG_DATA_DIR_UNUSABLE",
  );
}
