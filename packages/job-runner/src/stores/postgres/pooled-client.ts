import postgres, { type Sql } from "postgres";
import type { PostgresClient } from "../../contract/driver.ts";
import { JobDatabaseTimeoutError } from "../../contract/errors.ts";
import { createReplaceablePool, type PostgresPool } from "./replaceable-pool.ts";
import {
  createStatementClient,
  isTemplate,
  type Rows,
  type Source,
  Statement,
  unsupported,
  type Value,
} from "./statement.ts";

const CLOSE_TIMEOUT_S = 1;
/** Longer than the 10 s of the statement timeout that Wharf's server sets in Postgres. */
export const STATEMENT_DEADLINE_MS = 12_000;
const timeout = (deadlineMs: number) => new JobDatabaseTimeoutError(deadlineMs);

/** A client that runs each statement on the pool, within its time limit. */
export function createPooledClient(pool: PostgresPool): PostgresClient {
  return createStatementClient((source) => pool.run((sql) => toQuery(sql, source)));
}

function toQuery<T extends Rows>(sql: Sql, { strings, values }: Source): postgres.PendingQuery<T> {
  if (!isTemplate(strings)) return unsupported();
  return sql<T>(strings, ...values.map((value) => toParameter(sql, value)));
}

function toParameter(sql: Sql, value: Value): Value {
  if (!(value instanceof Statement)) return value;
  const { source } = value;
  return isTemplate(source.strings) ? toQuery(sql, source) : sql.unsafe(source.strings.join(""));
}

export type GuardedPools = {
  guarded(pool: Sql | PostgresPool): PostgresPool;
  close(): Promise<void>;
};

/** Adds time limits to the caller's pools; an unresponsive pool is replaced by one with the same options. */
export function createGuardedPools(deadlineMs: number): GuardedPools {
  const guards = new Map<Sql, ReturnType<typeof guard>>();

  function guard(shared: Sql) {
    const open = () => reopen(shared);
    return createReplaceablePool({ shared, open, deadlineMs, timeout, closeTimeoutS: CLOSE_TIMEOUT_S });
  }

  /** A pool that replaces itself is used unchanged. */
  function guarded(pool: Sql | PostgresPool): PostgresPool {
    if (typeof pool !== "function") return pool;
    const known = guards.get(pool) ?? guard(pool);
    guards.set(pool, known);
    return known;
  }

  /** Closes the replacements; the caller's pools are used again. */
  async function close(): Promise<void> {
    await Promise.all([...guards.values()].map((pool) => pool.close()));
  }

  return { guarded, close };
}

/**
 * A new pool with the parsed options of another, which the driver accepts although its types do not show it. Without array types,
 * which our statements do not need: destroying a connection while the driver fetches them rejects a promise that no caller can
 * handle, which ends a Bun program.
 */
export function reopen(sql: Sql, options: postgres.Options<Record<string, never>> = {}): Sql {
  const parsed: object = sql.options;
  return postgres({ ...parsed, fetch_types: false, ...options });
}
