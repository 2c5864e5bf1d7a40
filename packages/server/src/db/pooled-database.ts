import { errorCode } from "@wharf/job-runner";
import { boundedTo } from "./bounded-database.ts";
import type { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { createDb, type DbOptions, type Sql } from "./postgres.ts";
import { openTransactionConnection, withinTransaction } from "./transaction.ts";

/** A black hole, or a server that became a standby. */
const REPLACING = new Set(["STORAGE_TIMEOUT", "25006"]);

/**
 * A pool behind a pooler in transaction mode. Each use is one transaction, which begins with the pool's settings: set on the connection,
 * they would be missing from the next statement, and in effect for another client's. Four round trips a use instead of one.
 */
export function openPooledDatabase(
  connectionString: string,
  { max, deadlineMs, ...options }: DbOptions & { max: number; deadlineMs: number },
): Database {
  // Never connects: its options are those of each connection.
  const template = createDb(connectionString, { ...options, isPooled: true, max: 1 });
  const open = new Set<Connection>();
  const idle: Connection[] = [];

  function take(): Connection {
    for (let free = idle.pop(); free !== undefined; free = idle.pop()) {
      if (!free.isDead()) return free;
      void discard(free);
    }
    const opened = openTransactionConnection(template);
    open.add(opened);
    return opened;
  }

  function discard(connection: Connection): Promise<void> {
    open.delete(connection);
    return connection.close().catch(() => undefined);
  }

  async function run<T>(query: (sql: Sql) => PromiseLike<T>): Promise<T> {
    const connection = take();
    try {
      const work = withinTransaction(connection, async () => query(connection.sql));
      const value = await withDeadline(work, deadlineMs);
      idle.push(connection);
      return value;
    } catch (error) {
      if (REPLACING.has(errorCode(error) ?? "")) {
        // As in openDatabase: the others lead to the same server.
        for (const stuck of [connection, ...idle.splice(0)]) void discard(stuck);
      } else idle.push(connection);
      throw error;
    }
  }

  async function close(): Promise<void> {
    await Promise.all([...open].map(discard));
  }

  return boundedTo(max, { run, close }, deadlineMs);
}
