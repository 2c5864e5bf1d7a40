import postgres, { type Sql } from "postgres";
import { ConnectionStringError, readConnectionString } from "../../connection/connection-options.ts";
import type { Driver } from "../../contract/driver.ts";
import { JobOptionError } from "../../contract/errors.ts";
import { migrateJobs } from "./migrate-jobs.ts";
import { createPostgresDriver, type PostgresDriverOptions } from "./postgres.ts";

const POOL_MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_S = 10;
const IDLE_TIMEOUT_S = 20;
/** The driver's own backoff waits up to 12 s after Postgres is available again. */
const RECONNECT_BACKOFF_MAX_S = 0.5;
const CLOSE_TIMEOUT_S = 1;
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

export type OwnPoolOptions = {
  /** False: the tables are created elsewhere. */
  readonly migrates: boolean;
  /** Undefined: that of the DSN or the role. */
  readonly schema: string | undefined;
} & Omit<PostgresDriverOptions, "sql">;

/** A Postgres driver with its own pool, which `close` closes. Creates the tables if `migrates` is set. */
export async function openPostgresDriver(dsn: string, options: OwnPoolOptions): Promise<Driver> {
  const { schema } = options;
  if (schema !== undefined && !SCHEMA_NAME.test(schema)) {
    throw new JobOptionError(
      "`schema` must have at most 63 lower-case letters, digits and _, and must not begin with a digit.",
    );
  }
  const sql = createPool(dsn, schema);
  const close = () => sql.end({ timeout: CLOSE_TIMEOUT_S });
  try {
    if (options.migrates && schema !== undefined) await createSchema(sql, schema);
    if (options.migrates) await migrateJobs(sql);
    const listenSql = options.listenSql ?? (readConnectionString(dsn).isPooled ? false : sql);
    return { ...createPostgresDriver({ ...options, sql, listenSql }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Of several concurrent processes one succeeds. */
async function createSchema(sql: Sql, schema: string): Promise<void> {
  try {
    await sql`CREATE SCHEMA IF NOT EXISTS ${sql(schema)}`;
  } catch (error) {
    const exists = await sql`SELECT FROM pg_namespace WHERE nspname = ${schema}`;
    if (exists.length === 0) throw error;
  }
}

function createPool(dsn: string, schema: string | undefined): Sql {
  try {
    const { options, settings, isPooled } = readConnectionString(dsn);
    return postgres({
      connect_timeout: CONNECT_TIMEOUT_S,
      ...options,
      max: POOL_MAX_CONNECTIONS,
      idle_timeout: IDLE_TIMEOUT_S,
      fetch_types: false,
      backoff: (retries) => Math.min(0.05 * 2 ** retries, RECONNECT_BACKOFF_MAX_S),
      onnotice: () => undefined,
      connection: {
        // The driver sends none that is empty.
        ...(isPooled ? { application_name: "" } : { application_name: "job-runner", ...settings }),
        ...(schema === undefined ? {} : { search_path: schema }),
      },
    });
  } catch (error) {
    // The driver's own error contains the whole string, including the password.
    const reason = error instanceof ConnectionStringError ? `: ${error.message}` : "";
    throw new JobOptionError(`\`dsn\` is not a valid connection string${reason}.`);
  }
}
