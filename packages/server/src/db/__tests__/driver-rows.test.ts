import { expect, test } from "bun:test";
import { until, useTestDatabase } from "@wharf/testkit";
import { closeDb, createDb } from "../postgres.ts";

const database = useTestDatabase();
const NUMBERS = [{ n: 1 }, { n: 2 }, { n: 3 }];

/** Both fail without patches/postgres@3.4.9.patch: the driver numbered the next query's rows from where the failed one had stopped. */
test("a query that fails after its first rows leaves no empty rows to the next query", async () => {
  const sql = createDb(database.url, { max: 1 });
  const failed = sql`SELECT 1 / (3000 - n) AS x FROM generate_series(1, 4000) n`;
  expect(
    await failed.then(
      () => null,
      ({ code }) => code,
    ),
  ).toBe("22012");
  expect([...(await sql`SELECT n FROM generate_series(1, 3) n`)]).toEqual(NUMBERS);
  await closeDb(sql);
});

test("a connection that is lost after the first rows of a query leaves no empty rows to the next query", async () => {
  const sql = createDb(database.url, { max: 1 });
  const failed = sql`
    SELECT n, repeat('x', 1000), CASE WHEN n = 3000 THEN pg_sleep(60) END FROM generate_series(1, 4000) n`;
  const code = failed.then(
    () => null,
    (error) => error.code,
  );
  await until(
    async () =>
      (
        await database.sql`
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event = 'PgSleep'`
      ).length > 0,
  );
  expect(await code).toBe("CONNECTION_CLOSED");
  const rows = await until(() => sql`SELECT n FROM generate_series(1, 3) n`.catch(() => undefined));
  expect([...rows]).toEqual(NUMBERS);
  await closeDb(sql);
});
