import { CompiledQuery, type Dialect, Kysely } from "kysely";
import type { Driver } from "../../contract/driver.ts";
import { JobOptionError } from "../../contract/errors.ts";
import { checkedDriver } from "../checked-driver.ts";
import { applyMigrations, type MigrateOptions } from "../postgres/migrate-jobs.ts";
import { STATEMENT_DEADLINE_MS } from "../postgres/pooled-client.ts";
import { createPostgresOperations } from "../postgres/postgres.ts";
import { createKyselyClient, type KyselyExecutor } from "./client.ts";
import type { KyselyDialect } from "./dialect.ts";

export { createKyselyClient, type KyselyExecutor } from "./client.ts";

export type KyselyDriverOptions = {
  /** The time limit of a statement. Default 12 s. */
  readonly statementDeadlineMs?: number;
  /** A dialect for Postgres. The caller closes its pool. */
  readonly dialect: KyselyDialect;
  /** Claim by pg_try_advisory_xact_lock(id) instead of FOR UPDATE SKIP LOCKED. */
  readonly useAdvisoryLocks?: boolean;
};

/**
 * Postgres with a Kysely dialect. Experimental. It cannot LISTEN: jobs, cancellations and events of other processes are found by
 * polling. Throws JobOptionError for a value that is not a dialect.
 */
export function createKyselyDriver(options: KyselyDriverOptions): Driver {
  const { dialect, useAdvisoryLocks, statementDeadlineMs = STATEMENT_DEADLINE_MS } = options;
  if (!isDialect(dialect))
    throw new JobOptionError(
      "`dialect` is not a Kysely dialect; pass for example new PostgresDialect({ pool }).",
    );
  const sql = createKyselyClient(new Kysely<unknown>({ dialect }), statementDeadlineMs);
  const operations = createPostgresOperations(sql, {
    administrationSql: sql,
    useAdvisoryLocks: useAdvisoryLocks ?? false,
  });
  return checkedDriver({ ...operations, name: "kysely" });
}

const DIALECT_METHODS = [
  "createAdapter",
  "createDriver",
  "createQueryCompiler",
  "createIntrospector",
] as const;

function isDialect(value: KyselyDialect): value is Dialect {
  return DIALECT_METHODS.every((method) => typeof value[method] === "function");
}

/** Creates the engine's tables with Kysely, like `migrateJobs` of `@wharf/job-runner/postgres`. */
export function migrateJobs(db: KyselyExecutor, options?: MigrateOptions): Promise<string[]> {
  // Without parameters the text is sent unchanged: several statements in one transaction.
  const script = (text: string) => db.executeQuery(CompiledQuery.raw(text));
  return applyMigrations({ sql: createKyselyClient(db), script }, options);
}
