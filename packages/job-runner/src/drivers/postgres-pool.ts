import postgres, { type Sql } from "postgres";
import { ConnectionStringError, readConnectionString } from "../connection/connection-options.ts";
import { JobOptionError } from "../errors.ts";
import type { Driver } from "./driver.ts";
import { migrateJobs } from "./migrate-jobs.ts";
import { createPostgresDriver, type PostgresDriverOptions } from "./postgres.ts";

const POOL_MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_S = 10;
const IDLE_TIMEOUT_S = 20;
/** The driver's own backoff waits up to 12 s after Postgres is back. */
const RECONNECT_BACKOFF_MAX_S = 0.5;
const CLOSE_TIMEOUT_S = 1;

export interface OwnPoolOptions extends Omit<PostgresDriverOptions, "sql"> {
  /** False: somebody else makes the tables. */
  readonly migrates: boolean;
}

/** A Postgres driver with a pool of its own, which `close` ends. Makes the tables if it is to. */
export async function openPostgresDriver(dsn: string, options: OwnPoolOptions): Promise<Driver> {
  const sql = createPool(dsn);
  const close = () => sql.end({ timeout: CLOSE_TIMEOUT_S });
  try {
    if (options.migrates) await migrateJobs(sql);
    return { ...createPostgresDriver({ ...options, sql }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function createPool(dsn: string): Sql {
  try {
    const { options, settings } = readConnectionString(dsn);
    return postgres({
      connect_timeout: CONNECT_TIMEOUT_S,
      ...options,
      max: POOL_MAX_CONNECTIONS,
      idle_timeout: IDLE_TIMEOUT_S,
      backoff: (retries) => Math.min(0.05 * 2 ** retries, RECONNECT_BACKOFF_MAX_S),
      onnotice: () => undefined,
      connection: { application_name: "job-runner", ...settings },
    });
  } catch (error) {
    // The driver's own error holds the whole string, password included.
    const reason = error instanceof ConnectionStringError ? `: ${error.message}` : "";
    throw new JobOptionError(`\`dsn\` is not a valid connection string${reason}.`);
  }
}
