import { createReplaceablePool } from "@wharf/job-runner/postgres";
import { storageTimeout } from "./deadline.ts";
import { createDb, type DbOptions, POOL_CLOSE_TIMEOUT_S, type Sql } from "./postgres.ts";

/** A pool that is replaced when its server stops answering. */
export type Database = {
  /**
   * Runs a query with a deadline. After a time-out the pool's sockets are thrown away and a new pool takes over: a connection
   * into a black hole would otherwise hold its place until the kernel gives up, a quarter of an hour later.
   */
  run<T>(query: (sql: Sql) => PromiseLike<T>): Promise<T>;
  close(): Promise<void>;
};

/** A pool that is opened with its first use, by what is known then. */
export function openLater(open: () => Promise<Database>): Database {
  let opening: Promise<Database> | undefined;
  let opened: Database | undefined;

  async function first(): Promise<Database> {
    opening ??= open();
    try {
      opened = await opening;
      return opened;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  return {
    run: async (query) => (opened ?? (await first())).run(query),
    close: async () => {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

export function openDatabase(
  connectionString: string,
  options: DbOptions & { deadlineMs: number; closeTimeoutS?: number },
): Database {
  return createReplaceablePool({
    open: () => createDb(connectionString, options),
    deadlineMs: options.deadlineMs,
    timeout: storageTimeout,
    closeTimeoutS: options.closeTimeoutS ?? POOL_CLOSE_TIMEOUT_S,
  });
}
