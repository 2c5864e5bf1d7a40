import { expect, setDefaultTimeout, test } from "bun:test";
import { createTcpProxy, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { closeDb, createDb } from "../postgres.ts";

// All fail without patches/postgres@3.4.9.patch.
const database = useTestDatabase();
// After useTestDatabase, which sets the usual one.
setDefaultTimeout(TEST_TIMEOUT_MS);
const NUMBERS = [{ n: 1 }, { n: 2 }, { n: 3 }];

/** The driver numbered the next query's rows from where the failed one had stopped. */
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

test("a connection that is lost after the first rows of a query leaves neither empty rows nor its error to the next query", async () => {
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
  // At once: the driver rejected the first query over the next connection with the reason why the one before was ended.
  expect([...(await sql`SELECT n FROM generate_series(1, 3) n`)]).toEqual(NUMBERS);
  await closeDb(sql);
});

/** One connection through a proxy. */
async function connect() {
  const { hostname, port } = new URL(database.url);
  const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
  const sql = createDb(proxy.url(database.url), { max: 1 });
  await sql`SELECT 1`;
  const close = async () => {
    await closeDb(sql);
    await proxy.close();
  };
  return { proxy, sql, close };
}

/** The driver never sent the start of the next connection, until its connect_timeout, and again afterwards. */
test("a query that is not written yet when its connection is lost does not prevent the next connection", async () => {
  const { proxy, sql, close } = await connect();
  const codes: string[] = [];
  proxy.cut();
  while (codes.length === 0) {
    void sql`SELECT 1`.catch(({ code }) => codes.push(code));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(codes[0]).toBe("CONNECTION_CLOSED");
  expect([...(await sql`SELECT 1 AS n`)]).toEqual([{ n: 1 }]);
  await close();
});

/** The driver never answered it. */
test("a query between the error of a connection and its close is rejected", async () => {
  const { proxy, sql, close } = await connect();
  const both = [sql`SELECT pg_sleep(60)`, sql`SELECT 2`].map((query) =>
    query.catch(({ code: first }) => sql`SELECT 1`.catch(({ code }) => [first, code])),
  );
  await until(
    async () => (await database.sql`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`).length > 0,
  );
  proxy.reset();
  expect(await both[0]).toEqual(["ECONNRESET", "CONNECTION_CLOSED"]);
  await Promise.all(both);
  await close();
});
