import type { Database } from "../db/database.ts";
import type { Sql } from "../db/postgres.ts";
import { within } from "../waits.ts";
import type { Projector, ReadScope } from "./projector.ts";

/** A session that a transaction keeps locked must not hold up its reads for as long. */
const WAIT_MAX_MS = 3_000;

/** A database whose queries see everything in `scope` that was acknowledged before; without a scope, everything; with null, nothing. */
export type UpToDate = Omit<Database, "run"> & {
  run<T>(query: (sql: Sql) => PromiseLike<T>, scope?: ReadScope | null): Promise<T>;
};

/** A query begins when what it is about is projected, or after `waitMaxMs`. */
export function upToDate(
  database: Database,
  caughtUp: Projector["caughtUp"],
  waitMaxMs = WAIT_MAX_MS,
): UpToDate {
  return {
    ...database,
    run: async <T>(query: (sql: Sql) => PromiseLike<T>, scope?: ReadScope | null) => {
      if (scope !== null) await within(caughtUp(scope), waitMaxMs);
      return await database.run(query);
    },
  };
}
