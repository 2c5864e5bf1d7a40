import { errorCode } from "./database-errors.ts";
import { withDeadline } from "./deadline.ts";
import { closeDb, createDb, type DbOptions, type Sql } from "./postgres.ts";

/** A pool that is replaced when its server stops answering. */
export type Database = {
  /**
   * Runs a query with a deadline. After a time-out the pool's sockets are thrown away and a new pool takes over: a connection
   * into a black hole would otherwise hold its place until the kernel gives up, a quarter of an hour later.
   */
  run<T>(query: (sql: Sql) => PromiseLike<T>): Promise<T>;
  close(): Promise<void>;
};

export function openDatabase(
  connectionString: string,
  options: DbOptions & { deadline_ms: number },
): Database {
  let pool = createDb(connectionString, options);

  async function run<T>(query: (sql: Sql) => PromiseLike<T>): Promise<T> {
    const usedPool = pool;
    try {
      return await withDeadline(query(usedPool), options.deadline_ms);
    } catch (error) {
      if (errorCode(error) === "STORAGE_TIMEOUT" && pool === usedPool) replacePool();
      throw error;
    }
  }

  function replacePool(): void {
    const stuck = pool;
    pool = createDb(connectionString, options);
    // Ends the sockets at once; the queries on them fail, which nobody waits for any more.
    stuck.end({ timeout: 0 }).catch(() => undefined);
  }

  return { run, close: () => closeDb(pool) };
}
