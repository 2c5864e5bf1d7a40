import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres, tryLock } from "@wharf/embedded-postgres";
import type { Config } from "../config.ts";
import { ConfigError, StorageError } from "../errors.ts";

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

/** A server has the data folder to itself; a command may look in while a server runs. */
export type DatabaseUse = "server" | "command";

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
  if (config.isProduction) {
    throw new StorageError("DATABASE_URL environment variable is required.", "STORAGE_DB_URL_MISSING");
  }
  const lock = await lockDataDir(dataDir, use);
  try {
    const embedded = await startEmbeddedPostgres({
      dataDir: join(dataDir, "postgres"),
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

/** Null for a command beside a running server, whose Postgres it must not stop. */
async function lockDataDir(dataDir: string, use: DatabaseUse): Promise<{ release(): void } | null> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const deadline_ms = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const lock = tryLock(join(dataDir, LOCK_FILE));
    if (lock !== null || use === "command") return lock;
    if (performance.now() > deadline_ms) {
      throw new ConfigError(
        `Wharf already runs on the data in ${dataDir}: stop it first, or give this one its own WHARF_DATA_DIR and PORT.`,
        "CONFIG_DATA_DIR_IN_USE",
      );
    }
    await Bun.sleep(LOCK_POLL_MS);
  }
}
