import type { Sql } from "postgres";
import type { Driver } from "../contract/driver.ts";
import { JobOptionError } from "../contract/errors.ts";
import type { KyselyDialect } from "./kysely/dialect.ts";
import { createLazyDriver, type LazyDriver } from "./lazy-driver.ts";
import type { ListenSource } from "./postgres/postgres.ts";
import type { PostgresPool } from "./postgres/replaceable-pool.ts";

const ON_WORD = /^(?:1|true|yes|on)$/i;

/** The store: exactly one of `sql`, `dsn`, `dialect` and `driver`. */
export type StoreOptions = {
  /** A shared pool, or one that replaces itself; the caller closes it. */
  readonly sql?: Sql | PostgresPool;
  /**
   * `postgres://…`, `sqlite:PATH` or `memory:`. The runner opens the store, creates its tables, and closes it at the
   * end of `drain`.
   */
  readonly dsn?: string;
  /**
   * The Postgres schema of the engine's tables, with `dsn`; created if it is missing. Lower-case letters, digits and `_`. A
   * transaction that enqueues needs it first in its `search_path`. Default: that of the DSN or the role, `public`.
   */
  readonly schema?: string;
  /** Experimental: a Kysely dialect for Postgres. Polls, because it cannot LISTEN; the caller closes its pool. */
  readonly dialect?: KyselyDialect;
  readonly driver?: Driver;
  /** Awaited first by `start`. Replaces the engine's own migrator. */
  readonly migrate?: () => Promise<unknown>;
  /** A pool for LISTEN (with PgBouncer a direct one), what finds it at the start, or false: only poll. Default: the one pool. */
  readonly listenSql?: Sql | ListenSource | false;
  /** A pool for lists, queue figures and changes by operators, so that slow ones do not delay workers. Default: the one pool. */
  readonly administrationSql?: Sql | PostgresPool;
  /** The time limit of a statement, after which connections are replaced. Default 12 s. */
  readonly statementDeadlineMs?: number;
  /** Claim by advisory locks. Default: the environment's USE_ADVISORY_LOCKS=1. */
  readonly useAdvisoryLocks?: boolean;
};

/**
 * The driver of the selected store. Only this one is loaded, at its first use: a program on SQLite or in memory
 * needs no Postgres driver. Throws JobOptionError unless exactly one store is given.
 */
export function chooseStore(options: StoreOptions): LazyDriver {
  const { sql, dsn, dialect, driver } = options;
  if ([sql, dsn, dialect, driver].filter((given) => given !== undefined).length !== 1) {
    throw new JobOptionError(
      "Pass exactly one of `sql`, `dsn`, `dialect` and `driver` to createJobRunner; undefined counts as not passed.",
    );
  }
  if (options.schema !== undefined && !isPostgres(dsn)) {
    throw new JobOptionError(
      "`schema` requires a Postgres `dsn`; set the `search_path` of your own pool instead.",
    );
  }
  if (driver !== undefined) return createLazyDriver(driver.name, async () => driver);
  if (sql !== undefined) return sharedPool(sql, options);
  if (dialect !== undefined) return byDialect(dialect, options);
  return byDsn(dsn ?? "", options);
}

function sharedPool(sql: Sql | PostgresPool, options: StoreOptions): LazyDriver {
  return createLazyDriver("postgres", async () => {
    const { createPostgresDriver } = await import("./postgres/postgres.ts");
    return createPostgresDriver({ ...postgresOptions(options), sql });
  });
}

function byDialect(dialect: KyselyDialect, options: StoreOptions): LazyDriver {
  return createLazyDriver("kysely", async () => {
    const { createKyselyDriver } = await import("./kysely/kysely.ts");
    const { useAdvisoryLocks, statementDeadlineMs } = options;
    return createKyselyDriver({
      dialect,
      useAdvisoryLocks: useAdvisoryLocks ?? advisoryLocksFromEnvironment(),
      ...(statementDeadlineMs === undefined ? {} : { statementDeadlineMs }),
    });
  });
}

function byDsn(dsn: string, options: StoreOptions): LazyDriver {
  if (dsn === "memory:") {
    return createLazyDriver("memory", async () => {
      const { createMemoryDriver } = await import("./memory/memory.ts");
      // After a drain, a program must behave as with the DSN of another store.
      return { ...createMemoryDriver(), close: () => Promise.resolve() };
    });
  }
  const path = dsn.startsWith("sqlite:") ? dsn.slice("sqlite:".length) : "";
  if (path !== "") {
    return createLazyDriver("sqlite", async () => {
      const { createSqliteDriver } = await import("./sqlite/sqlite.ts");
      return createSqliteDriver(path);
    });
  }
  if (!isPostgres(dsn)) {
    throw new JobOptionError("`dsn` must be postgres://…, sqlite:PATH or memory:.");
  }
  return createLazyDriver("postgres", async () => {
    const { openPostgresDriver } = await import("./postgres/pool.ts");
    const migrates = options.migrate === undefined;
    return openPostgresDriver(dsn, { ...postgresOptions(options), migrates, schema: options.schema });
  });
}

function isPostgres(dsn = ""): boolean {
  return /^postgres(?:ql)?:\/\//.test(dsn);
}

function postgresOptions(options: StoreOptions) {
  const { listenSql, administrationSql, statementDeadlineMs, useAdvisoryLocks } = options;
  return {
    ...(statementDeadlineMs === undefined ? {} : { statementDeadlineMs }),
    useAdvisoryLocks: useAdvisoryLocks ?? advisoryLocksFromEnvironment(),
    ...(listenSql === undefined ? {} : { listenSql }),
    ...(administrationSql === undefined ? {} : { administrationSql }),
  };
}

function advisoryLocksFromEnvironment(): boolean {
  // biome-ignore lint/style/noProcessEnv: a switch for operators, which works without a code change
  return ON_WORD.test(process.env["USE_ADVISORY_LOCKS"] ?? "");
}
