import type { Sql } from "postgres";
import { errorCode } from "../../contract/database-errors.ts";
import { withTimeLimit } from "../../contract/time-limit.ts";

/** A pool that is replaced when its server stops responding. */
export type PostgresPool = {
  /** Runs a query within the pool's time limit. */
  run<T>(query: (sql: Sql) => PromiseLike<T>): Promise<T>;
};

export type ReplaceablePoolOptions = {
  /** Opens a pool; called again for each replacement. */
  open(): Sql;
  /** The time limit of a query. */
  readonly deadlineMs: number;
  /** The error thrown after it. */
  timeout(deadlineMs: number): Error;
  /** The caller's pool, used until it is first replaced, and again after `close`. It is never closed here. */
  readonly shared?: Sql;
  /** The longest wait for running queries when the pool is closed. Default 5. */
  readonly closeTimeoutS?: number;
};

const CLOSE_TIMEOUT_S = 5;
/** Codes with which the driver rejects the queries of a lost connection. */
const CONNECTION_LOST = new Set([
  "ECONNRESET",
  "EPIPE",
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "57P01",
]);

/** read_only_sql_transaction */
const READ_ONLY = "25006";

/**
 * A pool whose server refuses writes is replaced: it became a standby, and the address leads to another server by now.
 *
 * Works around two faults of the driver. An unresponsive connection occupies its slot until the kernel gives up after a quarter
 * of an hour, so the pool is replaced after a timeout. And a query sent between a socket's "error" and "close" never gets a
 * response, so after a lost connection no query is sent until the next turn of the event loop.
 */
export function createReplaceablePool(
  options: ReplaceablePoolOptions,
): PostgresPool & { close(): Promise<void> } {
  const { deadlineMs, shared, closeTimeoutS = CLOSE_TIMEOUT_S } = options;
  let pool = shared ?? options.open();
  let turn: Promise<void> | undefined;

  async function run<T>(query: (sql: Sql) => PromiseLike<T>): Promise<T> {
    while (turn !== undefined) await turn;
    const used = pool;
    const onTimeout = (limitMs: number): never => {
      if (pool === used) replace();
      throw options.timeout(limitMs);
    };
    try {
      return await withTimeLimit(query(used), deadlineMs, onTimeout);
    } catch (error) {
      if (isConnectionLost(error)) await afterClose();
      if (errorCode(error) === READ_ONLY && pool === used) replace();
      throw error;
    }
  }

  function replace(): void {
    const stuck = pool;
    pool = options.open();
    // Closes the sockets immediately; no caller waits for their queries.
    if (stuck !== shared) stuck.end({ timeout: 0 }).catch(() => undefined);
  }

  function afterClose(): Promise<void> {
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined;
        resolve();
      });
    });
    return turn;
  }

  async function close(): Promise<void> {
    const open = pool;
    if (open === shared) return;
    pool = shared ?? open;
    await open.end({ timeout: closeTimeoutS });
  }

  return { run, close };
}

function isConnectionLost(error: unknown): boolean {
  return CONNECTION_LOST.has(errorCode(error) ?? "");
}
