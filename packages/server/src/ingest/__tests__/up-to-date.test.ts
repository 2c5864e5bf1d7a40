import { expect, test } from "bun:test";
import type { Database } from "../../db/database.ts";
import { upToDate } from "../up-to-date.ts";

const NEVER_MS = 1_000_000;

function setup(waitMaxMs: number) {
  const { promise, resolve: catchUp } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let queries = 0;
  const database: Database = {
    run: () => {
      queries += 1;
      begun.resolve();
      return Promise.reject(new Error("the query's own"));
    },
    close: () => Promise.resolve(),
  };
  const reads = upToDate(database, () => promise, waitMaxMs);
  const answer = reads.run((sql) => sql`SELECT`).catch((error: Error) => error.message);
  return { catchUp, begun: begun.promise, answer, queries: () => queries };
}

test("a query begins when what was acknowledged is projected, and ends as it would have by itself", async () => {
  const { catchUp, answer, queries } = setup(NEVER_MS);
  await new Promise((resolve) => setImmediate(resolve));
  expect(queries()).toBe(0);
  catchUp();
  expect(await answer).toBe("the query's own");
});

test("a query does not wait forever for a projection that hangs", async () => {
  const { begun, answer } = setup(1);
  await begun;
  expect(await answer).toBe("the query's own");
});
