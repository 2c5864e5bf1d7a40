import { StorageError } from "../errors.ts";
import { type Connection, openConnection } from "./connection.ts";
import { type Sql, STATEMENT_TIMEOUT_MS } from "./postgres.ts";

/** The server's own timeout comes first, unless it is frozen or out of reach. */
const TRANSACTION_STATEMENT_DEADLINE_MS = STATEMENT_TIMEOUT_MS + 2_000;

/**
 * Runs `work` in one transaction on a connection of its own: committed when it returns, rolled back when it throws.
 * Opening that connection takes some 10 ms, so that what runs often is written as one statement on the pool instead.
 * The driver's own `begin` on a pool that also runs plain queries loses acknowledged writes of other callers when BEGIN is
 * the 100th pipelined query. A connection error in COMMIT means "maybe committed": the work has to be idempotent.
 * Where `sql` is a use of a pool that is a transaction already (pooled-database.ts), it is that one, committed when the use ends.
 * The caller bounds how many there are at once, so that they do not use up max_connections: edits are (pool-sizes.ts).
 */
export async function transaction<T>(sql: Sql, work: (connection: Connection) => Promise<T>): Promise<T> {
  const current = transactions.get(sql);
  if (current !== undefined) return await work(current);
  const connection = openConnection(sql, { deadlineMs: TRANSACTION_STATEMENT_DEADLINE_MS });
  try {
    return await withinTransaction(connection, () => work(connection));
  } finally {
    await connection.close();
  }
}

/** Clients of connections that are used for one transaction after the other. */
const transactions = new WeakMap<Sql, Connection>();

/** As openConnection, for transactions alone: `transaction` on its client is the one that is open. */
export function openTransactionConnection(sql: Sql): Connection {
  const connection = openConnection(sql);
  transactions.set(connection.sql, connection);
  return connection;
}

/** The same on a connection that is there already. */
export async function withinTransaction<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  try {
    await connection.begin();
    const value = await work();
    await commit(connection);
    return value;
  } catch (error) {
    // Should it fail, the backend is gone or goes with the connection, and the transaction with it.
    if (!connection.isDead()) await connection.query`ROLLBACK`.catch(() => undefined);
    throw error;
  }
}

/** When a statement failed and `work` went on regardless, Postgres answers COMMIT with ROLLBACK, and with no error. */
async function commit(connection: Connection): Promise<void> {
  const { command } = await connection.query`COMMIT`;
  if (command === "COMMIT") return;
  throw new StorageError(
    "The transaction was rolled back, because one of its statements had failed.",
    "STORAGE_ROLLED_BACK",
  );
}
