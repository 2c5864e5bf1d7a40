import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { clearRows, createTcpProxy, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import type { Connection } from "../connection.ts";
import { errorCode } from "../database-errors.ts";
import { openPooledDatabase } from "../pooled-database.ts";
import { closeDb, createDb, type Sql } from "../postgres.ts";
import { transaction } from "../transaction.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({
  migrate: (sql) => sql`CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT)`,
});
let pool: Sql;

beforeAll(() => {
  pool = createDb(database.url);
});

beforeEach(async () => {
  await clearRows(database.sql);
});

afterAll(async () => {
  await closeDb(pool);
});

async function bookIds(): Promise<number[]> {
  const rows = await database.sql<{ id: number }[]>`SELECT id FROM books ORDER BY id`;
  return rows.map(({ id }) => id);
}

async function backendOf(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
  return row?.pid ?? 0;
}

async function terminate(pid: number): Promise<void> {
  await database.sql`SELECT pg_terminate_backend(${pid})`;
  await until(
    async () => (await database.sql`SELECT 1 FROM pg_stat_activity WHERE pid = ${pid}`).length === 0,
  );
}

describe("a transaction", () => {
  test("is committed when its work returns, and answers its value", async () => {
    const value = await transaction(pool, async (connection) => {
      await connection.query`INSERT INTO books VALUES (1, 'one')`;
      await connection.query`INSERT INTO books VALUES (2, 'two')`;
      expect(await bookIds()).toEqual([]);
      return "done";
    });
    expect(value).toBe("done");
    expect(await bookIds()).toEqual([1, 2]);
  });

  test("is rolled back when its work throws, and tells that error", async () => {
    const work = async (connection: Connection) => {
      await connection.query`INSERT INTO books VALUES (1, 'one')`;
      throw new Error("out of ink");
    };
    await expect(transaction(pool, work)).rejects.toThrow("out of ink");
    expect(await bookIds()).toEqual([]);
  });

  test("is rolled back when a statement fails, and tells that error", async () => {
    const work = async (connection: Connection) => {
      await connection.query`INSERT INTO books VALUES (1, 'one')`;
      await connection.query`INSERT INTO books VALUES (1, 'again')`;
    };
    await expect(transaction(pool, work)).rejects.toMatchObject({ code: "23505" });
    expect(await bookIds()).toEqual([]);
  });

  test("does not look committed when its work went on after a statement that failed", async () => {
    const work = async (connection: Connection) => {
      await connection.query`INSERT INTO books VALUES (1, 'one')`;
      await connection.query`SELECT 1 / 0`.catch(() => undefined);
    };
    await expect(transaction(pool, work)).rejects.toMatchObject({ code: "STORAGE_ROLLED_BACK" });
    expect(await bookIds()).toEqual([]);
  });

  test("runs statements that were not waited for in their order", async () => {
    await transaction(pool, async (connection) => {
      await Promise.all([
        connection.query`INSERT INTO books VALUES (1, 'one')`,
        connection.query`UPDATE books SET title = ${"two"} WHERE id = ${1}`,
        connection.query`UPDATE books SET title = title || ${" three"}`,
      ]);
    });
    const [row] = await database.sql`SELECT title FROM books`;
    expect(row?.["title"]).toBe("two three");
  });

  test("leaves no connection behind, whether it succeeds or fails", async () => {
    await transaction(pool, (connection) => connection.query`SELECT 1`);
    await transaction(pool, () => Promise.reject(new Error("no"))).catch(() => undefined);
    const open = () => database.sql`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND query IN ('COMMIT', 'ROLLBACK')`;
    await until(async () => (await open()).length === 0);
  });
});

describe("between pipelined queries of a pool", () => {
  test("transactions lose no acknowledged write of other callers, wherever in the pipeline they begin", async () => {
    const sql = createDb(database.url, { max: 1 });
    const acknowledged: number[] = [];
    const insert = async (id: number) => {
      // Sent at once, so that BEGIN comes after it and not before.
      await sql`INSERT INTO books VALUES (${id}, 'plain')`.execute();
      acknowledged.push(id);
    };
    // Prepared, as the statements of a busy pool are: only those are pipelined.
    await insert(0);
    for (let count = 95; count <= 104; count++) {
      const first = count * 1_000;
      const before = Array.from({ length: count }, (_, i) => insert(first + i));
      const failing = transaction(sql, async (connection) => {
        await connection.query`INSERT INTO books VALUES (${first + 900}, 'rolled back')`;
        throw new Error("rolled back");
      }).catch((error: unknown) => error);
      const after = Array.from({ length: 20 }, (_, i) => insert(first + 500 + i));
      await Promise.all([...before, ...after]);
      expect(await failing).toMatchObject({ message: "rolled back" });
    }
    expect(acknowledged.length).toBeGreaterThan(1_000);
    expect(await bookIds()).toEqual(acknowledged.toSorted((a, b) => a - b));
    await closeDb(sql);
  });
});

describe("a transaction whose backend is lost", () => {
  test("between two statements sends none of those that follow", async () => {
    const work = async (connection: Connection) => {
      await connection.query`INSERT INTO books VALUES (1, 'before')`;
      await terminate(await backendOf(connection));
      await until(() => connection.isDead());
      await connection.query`INSERT INTO books VALUES (2, 'after')`;
    };
    await expect(transaction(pool, work)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(await bookIds()).toEqual([]);
  });

  test("during a statement sends none of those that wait", async () => {
    const outcomes: string[] = [];
    const work = async (connection: Connection) => {
      const pid = await backendOf(connection);
      const statements = [
        connection.query`INSERT INTO books VALUES (1, 'before')`,
        // Its parameter has the driver hold back what follows, to send it once this is described.
        connection.query`SELECT pg_sleep(${60})`,
        connection.query`INSERT INTO books VALUES (2, 'after')`,
        connection.query`INSERT INTO books VALUES (${3}, ${"after"})`,
      ];
      const settled = Promise.allSettled(statements);
      await until(
        async () =>
          (await database.sql`SELECT 1 FROM pg_stat_activity WHERE pid = ${pid} AND query LIKE '%pg_sleep%'`)
            .length === 1,
      );
      await terminate(pid);
      outcomes.push(...(await settled).map(({ status }) => status));
      return "as if nothing had happened";
    };
    await expect(transaction(pool, work)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(outcomes).toEqual(["fulfilled", "rejected", "rejected", "rejected"]);
    expect(await bookIds()).toEqual([]);
  });

  test("leaves the pool and the next transaction alone", async () => {
    for (let round = 0; round < 5; round++) {
      const work = async (connection: Connection) => {
        await terminate(await backendOf(connection));
        await connection.query`INSERT INTO books VALUES (1, 'after')`;
      };
      await transaction(pool, work).catch(() => undefined);
      await pool`INSERT INTO books VALUES (${10 + round}, 'plain')`;
      await transaction(
        pool,
        (connection) => connection.query`INSERT INTO books VALUES (${20 + round}, 'next')`,
      );
    }
    expect(await bookIds()).toEqual([10, 11, 12, 13, 14, 20, 21, 22, 23, 24]);
  });

  test("or whose database is unavailable fails at once, and works again when it is back", async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
    const sql = createDb(proxy.url(database.url));
    const insert = (id: number) =>
      transaction(sql, (connection) => connection.query`INSERT INTO books VALUES (${id}, 'book')`);
    await insert(1);
    proxy.refuse();
    await expect(insert(2)).rejects.toMatchObject({ code: expect.any(String) });
    proxy.accept();
    await insert(3);
    expect(await bookIds()).toEqual([1, 3]);
    await closeDb(sql);
    await proxy.close();
  });
});

test("a transaction behind a pooler whose connection is reset during a statement fails at once, as the next one does not", async () => {
  const { hostname, port } = new URL(database.url);
  const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
  const pooled = openPooledDatabase(proxy.url(database.url), { max: 1, deadlineMs: 10 * TEST_TIMEOUT_MS });
  const code = pooled.run((sql) => sql`SELECT pg_sleep(60)`).catch(errorCode);
  await until(async () => {
    const rows =
      await database.sql`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    return rows.length > 0;
  });
  proxy.reset();
  expect(await code).toBe("ECONNRESET");
  expect([...(await pooled.run((sql) => sql`SELECT 1 AS one`))]).toEqual([{ one: 1 }]);
  await pooled.close();
  await proxy.close();
});
