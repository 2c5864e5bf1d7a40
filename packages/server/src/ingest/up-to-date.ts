import type { Database } from "../db/database.ts";
import { within } from "../waits.ts";

/** A session that somebody keeps locked must not hold up every page for as long. */
const WAIT_MAX_MS = 3_000;

/**
 * The same database for those who read what events are projected onto: a query begins when all that was acknowledged before is
 * projected (`caughtUp` resolves then, and never rejects), or after `wait_max_ms`.
 */
export function upToDate(
  database: Database,
  caughtUp: () => Promise<void>,
  wait_max_ms = WAIT_MAX_MS,
): Database {
  return {
    ...database,
    run: async (query) => {
      await within(caughtUp(), wait_max_ms);
      return await database.run(query);
    },
  };
}
