import type { Sql } from "postgres";
import { errorCode } from "../../contract/database-errors.ts";
import { withTimeLimit } from "../../contract/time-limit.ts";

/** A pool that is replaced when its server stops answering. */
export type PostgresPool = {
  /** Runs a query within the pool's deadline. */
  run<T>(query: (sql: Sql) => PromiseLike<T>): Promise<T>;
};

export type ReplaceablePoolOptions = {
  /** Opens a pool; called again for each replacement. */
  open(): Sql;
  /** The longest wait for an answer. */
  readonly deadlineMs: number;
  /** What is thrown after it. */
  timeout(deadlineMs: number): Error;
  /** A pool of the caller's, used until it is first replaced, and again after `close`. It is never ended here. */
  readonly shared?: Sql;
  /** The longest wait for queries under way when the pool is closed. Default 5. */
  readonly closeTimeoutS?: number;
};

const CLOSE_TIMEOUT_S = 5;
/** Codes with which the driver rejects the queries of a connection that is lost. */
const CONNECTION_LOST = new Set([
  "ECONNRESET",
  "EPIPE",
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "57P01",
]);

/**
 * Works around two faults of the driver. An unresponsive connection occupies its slot until the kernel gives up after a
 * quarter of an hour: after a time-out the pool is replaced. And a query that is sent between a socket's "error" and its
 * "close" is never answered: after a lost connection no query is sent until the event loop has turned once.
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
      throw error;
    }
  }

  function replace(): void {
    const stuck = pool;
    pool = options.open();
    // Ends the sockets at once; the queries on them fail without a waiter.
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
