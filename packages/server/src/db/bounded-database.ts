import pLimit from "p-limit";
import type { Database } from "./database.ts";
import { storageTimeout } from "./deadline.ts";

/** The database for at most `max` queries at once. Others wait for their turn, and fail as a slow query does after `deadlineMs`. */
export function boundedTo(max: number, database: Database, deadlineMs: number): Database {
  const turns = pLimit(max);
  return {
    ...database,
    run: (query) => {
      const askedMs = performance.now();
      return turns(() => {
        if (performance.now() - askedMs > deadlineMs) throw storageTimeout(deadlineMs);
        return database.run(query);
      });
    },
  };
}
