import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@wharf/embedded-postgres";
import type { Config } from "../config.ts";
import { ConfigError, StorageError } from "../errors.ts";

/** Settings of a database for one server: a third of a minute's writes between checkpoints instead of a few seconds'. */
const EMBEDDED_SETTINGS = {
  shared_buffers: "256MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "15min",
};

export type DatabaseLocation = { url: string; embedded: EmbeddedPostgres | null };

/**
 * DATABASE_URL, or a Postgres of our own in the data folder. In production a missing DATABASE_URL is an error: an embedded
 * database on a disk that vanishes with the container would lose everything that was acknowledged.
 */
export async function locateDatabase(config: Config, dataDir: string): Promise<DatabaseLocation> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl, embedded: null };
  if (config.isProduction) {
    throw new StorageError("DATABASE_URL environment variable is required.", "STORAGE_DB_URL_MISSING");
  }
  try {
    const embedded = await startEmbeddedPostgres({
      dataDir: join(dataDir, "postgres"),
      settings: EMBEDDED_SETTINGS,
    });
    return { url: embedded.url, embedded };
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown";
    throw new ConfigError(`${reason} Or set DATABASE_URL to a Postgres of yours.`, "EMBEDDED_START_FAILED");
  }
}
