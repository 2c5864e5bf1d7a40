import pLimit from "p-limit";
import type { Database } from "./database.ts";
import { storageTimeout } from "./deadline.ts";

/** The database for at most `max` queries at once. Others wait for their turn, and fail as a slow query does after `deadline_ms`. */
export function boundedTo(max: number, database: Database, deadline_ms: number): Database {
  const turns = pLimit(max);
  return {
    ...database,
    run: (query) => {
      const asked_ms = performance.now();
      return turns(() => {
        if (performance.now() - asked_ms > deadline_ms) throw storageTimeout(deadline_ms);
        return database.run(query);
      });
    },
  };
}
