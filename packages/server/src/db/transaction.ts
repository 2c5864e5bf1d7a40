import { type Connection, reserveConnection } from "./connection.ts";
import type { Sql } from "./postgres.ts";

/**
 * Runs `work` in one transaction on a connection of its own: committed when it returns, rolled back when it throws.
 * The driver's own `begin` on a pool that also runs plain queries loses acknowledged writes of other callers when BEGIN is
 * the 100th pipelined query. A connection error in COMMIT means "maybe committed": the work has to be idempotent.
 */
export async function transaction<T>(sql: Sql, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await reserveConnection(sql);
  try {
    await connection.query`BEGIN`;
    const value = await work(connection);
    await connection.query`COMMIT`;
    return value;
  } catch (error) {
    if (!connection.isDead()) await connection.query`ROLLBACK`;
    throw error;
  } finally {
    connection.release();
  }
}
