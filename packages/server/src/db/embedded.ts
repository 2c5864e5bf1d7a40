import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type EmbeddedPostgres,
  type FoundPostgres,
  findEmbeddedPostgres,
  startEmbeddedPostgres,
} from "@wharf/embedded-postgres";
import type { Config } from "../config.ts";
import { ConfigError, StorageError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { type Lock, lockDataDir, makeDataDir } from "./data-dir.ts";
import { createPoolerCheck, type FindPooler } from "./pooler.ts";
import { type Supervision, superviseEmbedded } from "./supervise-embedded.ts";

/** Settings of a database for one server: a third of a minute's writes between checkpoints instead of a few seconds'. */
const EMBEDDED_SETTINGS = {
  shared_buffers: "256MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "15min",
};

const notPooled: FindPooler = async () => ({ isPooled: false, foundBy: "embedded" });

export type DatabaseLocation = {
  url: string;
  findPooler: FindPooler;
  /** null for DATABASE_URL, and for a command that uses the embedded Postgres of a running server */
  embedded: EmbeddedPostgres | null;
  /** Restarts the embedded Postgres, until `close`, whenever it ends by itself. */
  supervise(logger: Logger): void;
  /** Why the embedded Postgres does not run at the moment; null where there is nothing to say. */
  problem(): string | null;
  /** Stops the embedded Postgres, unless it belongs to another process. */
  close(): Promise<void>;
};

/**
 * A server has the data folder to itself; a migration and a command may come while a server runs, and a command makes no database
 * where there is none: an empty one would answer that all is well.
 */
export type DatabaseUse = "server" | "migration" | "command";

/** Longer than most commands take that have the folder at the moment, and than a restart of the database. */
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
    return elsewhere(config.databaseUrl, createPoolerCheck(config.databaseUrl, config.isPooled));
  }
  refuseInProduction(config);
  if (use === "command") await requireEmbedded(dataDir);
  const access = await enterDataDir(dataDir, use);
  if ("url" in access) return elsewhere(access.url);
  try {
    const embedded = await startEmbeddedPostgres({
      dataDir: clusterOf(dataDir),
      settings: EMBEDDED_SETTINGS,
    });
    return ownedLocation(embedded, [access, lockFolderOf(embedded, dataDir)]);
  } catch (error) {
    access.release();
    if (error instanceof ConfigError) throw error;
    const reason = error instanceof Error ? error.message : "unknown";
    throw new ConfigError(`${reason} Or set DATABASE_URL to your own Postgres.`, "EMBEDDED_START_FAILED");
  }
}

/** Throws ConfigError for a second server on one data folder: asked before its port, which is then in use as well. */
export async function requireUnusedDataDir(config: Config, dataDir: string): Promise<void> {
  if (config.databaseUrl !== undefined || config.isProduction || !existsSync(dataDir)) return;
  const access = await enterDataDir(dataDir, "server");
  if ("release" in access) access.release();
}

function elsewhere(url: string, findPooler = notPooled): DatabaseLocation {
  const close = () => Promise.resolve();
  return { url, findPooler, embedded: null, supervise: () => {}, problem: () => null, close };
}

/** Of two data folders with a pointer to the same database, as after a copy, one may use it. */
function lockFolderOf(embedded: EmbeddedPostgres, dataDir: string): Lock {
  if (embedded.dataDir === clusterOf(dataDir)) return { release: () => {} };
  const lock = lockDataDir(embedded.dataDir);
  if (lock !== null) return lock;
  throw inUse(embedded.dataDir);
}

function ownedLocation(embedded: EmbeddedPostgres, locks: readonly Lock[]): DatabaseLocation {
  let supervision: Supervision | undefined;
  return {
    url: embedded.url,
    findPooler: notPooled,
    embedded,
    supervise: (logger) => {
      supervision ??= superviseEmbedded(embedded, { logger });
    },
    problem: () => supervision?.problem() ?? null,
    close: async () => {
      await supervision?.stop();
      await embedded.stop();
      for (const lock of locks) lock.release();
    },
  };
}

/** The connection string, with its password: never log it. Throws StorageError when there is no database, or it does not run. */
export async function databaseUrl(config: Config, dataDir: string): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  refuseInProduction(config);
  const { url } = await requireEmbedded(dataDir);
  if (url !== undefined) return url;
  throw new StorageError(
    "The embedded database is stopped. Start Wharf first: bun start",
    "STORAGE_DB_NOT_RUNNING",
  );
}

function refuseInProduction({ isProduction }: Config): void {
  if (!isProduction) return;
  throw new StorageError(
    "DATABASE_URL environment variable is required. In production Wharf does not start the embedded Postgres: " +
      "set DATABASE_URL=postgres://USER:PASSWORD@HOST:PORT/DATABASE.",
    "STORAGE_DB_URL_MISSING",
  );
}

async function requireEmbedded(dataDir: string): Promise<FoundPostgres> {
  const found = await findEmbeddedPostgres({ dataDir: clusterOf(dataDir) });
  if (found !== undefined) return found;
  throw new StorageError(
    `There is no database in ${dataDir}: set WHARF_DATA_DIR to the data directory of your server, run \`start\` to create one, or set DATABASE_URL to your own Postgres.`,
    "STORAGE_NO_DATABASE",
  );
}

function clusterOf(dataDir: string): string {
  return join(dataDir, "postgres");
}

/**
 * The lock on the data folder; or, for a command while a server has it, the address of that server's Postgres. A command then
 * starts none: the server could not reach it.
 */
async function enterDataDir(
  dataDir: string,
  use: DatabaseUse,
): Promise<{ release(): void } | { url: string }> {
  await makeDataDir(dataDir);
  const deadlineMs = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const lock = lockDataDir(dataDir);
    if (lock !== null) return lock;
    const running =
      use === "server" ? undefined : await findEmbeddedPostgres({ dataDir: clusterOf(dataDir) });
    if (running?.url !== undefined) return { url: running.url };
    if (performance.now() > deadlineMs) throw use === "server" ? inUse(dataDir) : notRunning(dataDir);
    await Bun.sleep(LOCK_POLL_MS);
  }
}

function inUse(dataDir: string): ConfigError {
  return new ConfigError(
    `Another Wharf server uses the data directory ${dataDir}: stop it, or set a different WHARF_DATA_DIR and PORT.`,
    "CONFIG_DATA_DIR_IN_USE",
  );
}

function notRunning(dataDir: string): StorageError {
  return new StorageError(
    `The Wharf server that uses ${dataDir} is restarting its database: check its log, then retry.`,
    "STORAGE_DB_NOT_RUNNING",
  );
}
