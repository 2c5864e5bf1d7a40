import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createTcpProxy, findLockWaits, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { withMigrationLock } from "../migration-lock.ts";
import { runMigrations } from "../migrator.ts";
import { closeDb, createDb } from "../postgres.ts";
import { countLockHolders, createEmptyDatabase, findBackend, tableNames } from "./empty-database.ts";
import { createMigrationFolder } from "./migration-folder.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const BOOKS = { "001_books.sql": "CREATE TABLE books (id INTEGER PRIMARY KEY);" };

describe("while another connection holds SELECT pg_advisory_lock(48756301)", () => {
  test("a run waits with a log line, creates nothing, and continues when the lock is free", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder(BOOKS);
    const holder = await database.sql.reserve();
    await holder`SELECT pg_advisory_lock(48756301)`;
    const waits: number[] = [];
    const state = { ended: false };
    const running = runMigrations(database.sql, folder.path, { onWait: (ms) => waits.push(ms) }).finally(
      () => {
        state.ended = true;
      },
    );
    await until(() => waits.length >= 2);
    expect(state.ended).toBe(false);
    expect(waits[0]).toBeGreaterThanOrEqual(1_000);
    expect(await tableNames(database.sql)).toEqual([]);
    await holder`SELECT pg_advisory_unlock(48756301)`;
    holder.release();
    expect(await running).toEqual({ applied: ["001_books.sql"], skipped: [], errors: [] });
    expect(await countLockHolders(database.sql)).toBe(0);
  });

  test("a run polls: it never waits within the lock's own statement", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder(BOOKS);
    const holder = await database.sql.reserve();
    await holder`SELECT pg_advisory_lock(48756301)`;
    const state = { waited: false };
    const onWait = () => {
      state.waited = true;
    };
    const running = runMigrations(database.sql, folder.path, { onWait });
    await until(() => state.waited);
    expect(await findLockWaits(database.sql)).toEqual([]);
    await holder`SELECT pg_advisory_unlock(48756301)`;
    holder.release();
    await running;
  });

  test("a run through a pooler keeps no transaction open from one poll to another", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder(BOOKS);
    const pooled = createDb(database.url, { isPooled: true });
    const holder = await database.sql.reserve();
    await holder`SELECT pg_advisory_lock(48756301)`;
    const waits: number[] = [];
    const running = runMigrations(pooled, folder.path, { onWait: (ms) => waits.push(ms) });
    const open = async () => {
      const rows = await database.sql<{ xact_start: string }[]>`
        SELECT xact_start::text FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`;
      return rows.map((row) => row.xact_start);
    };
    await until(() => waits.length >= 1);
    const before = await open();
    await until(() => waits.length >= 2);
    const still = await open();
    expect(before.filter((start) => still.includes(start))).toEqual([]);
    await holder`SELECT pg_advisory_unlock(48756301)`;
    holder.release();
    expect(await running).toEqual({ applied: ["001_books.sql"], skipped: [], errors: [] });
    await closeDb(pooled);
  });
});

describe("an index that is built concurrently", () => {
  test("is no deadlock with another run that waits for the lock", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder(BOOKS);
    await runMigrations(database.sql, folder.path);
    await folder.write(
      "002_index.sql",
      "-- migrate:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS idx_books ON books (id);",
    );
    const writer = await database.sql.reserve();
    await writer`BEGIN`;
    await writer`INSERT INTO books VALUES (1)`;
    const first = runMigrations(database.sql, folder.path);
    await until(() => findBackend(database.sql, "%CREATE INDEX CONCURRENTLY%"));
    const waiting = { seen: false };
    const second = runMigrations(database.sql, folder.path, {
      onWait: () => {
        waiting.seen = true;
      },
    });
    await until(() => waiting.seen);
    await writer`COMMIT`;
    writer.release();
    expect(await first).toEqual({ applied: ["002_index.sql"], skipped: ["001_books.sql"], errors: [] });
    expect(await second).toEqual({
      applied: [],
      skipped: ["001_books.sql", "002_index.sql"],
      errors: [],
    });
    const [index] =
      await database.sql`SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_books'::regclass`;
    expect(index?.["indisvalid"]).toBe(true);
  });
});

describe("a migration whose table is in use", () => {
  test("lets statements of others pass while it waits, and is applied when the table is free", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder(BOOKS);
    await runMigrations(database.sql, folder.path);
    await folder.write("002_title.sql", "ALTER TABLE books ADD COLUMN title TEXT;");
    const reader = await database.sql.reserve();
    await reader`BEGIN`;
    await reader`SELECT FROM books`;
    const running = runMigrations(database.sql, folder.path);
    const waits = () => findBackend(database.sql, "%ALTER TABLE books ADD COLUMN%");
    for (const id of [1, 2]) {
      await until(waits);
      // Queued behind the migration, until that gives up its place for a moment.
      await database.sql`INSERT INTO books VALUES (${id})`;
    }
    await reader`COMMIT`;
    reader.release();
    expect(await running).toMatchObject({ applied: ["002_title.sql"], errors: [] });
  });

  test("has an autovacuum of it ended before it gives up, and only in its own transaction", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({
      "001_seen.sql": `CREATE TABLE seen AS SELECT setting::int AS ms, current_setting('lock_timeout') AS lock_timeout
        FROM pg_settings WHERE name = 'deadlock_timeout';`,
    });
    expect(await runMigrations(database.sql, folder.path)).toMatchObject({ errors: [] });
    expect([...(await database.sql`SELECT * FROM seen`)]).toEqual([{ ms: 100, lock_timeout: "300ms" }]);
    const rows = await database.sql`SELECT setting FROM pg_settings WHERE name = 'deadlock_timeout'`;
    expect([...rows]).toEqual([{ setting: "1000" }]);
  });
});

describe("the lock", () => {
  test("is free again after work that throws, and the error is passed on", async () => {
    await using database = await createEmptyDatabase();
    const work = () => Promise.reject(new Error("no paper"));
    await expect(withMigrationLock(database.sql, {}, work)).rejects.toThrow("no paper");
    expect(await countLockHolders(database.sql)).toBe(0);
  });

  test("is held by one connection through all of the work, and by no other backend of the pool", async () => {
    await using database = await createEmptyDatabase();
    const pids = await withMigrationLock(database.sql, {}, async (connection) => {
      const [mine] = await connection.query<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
      const [holder] = await database.sql<{ pid: number }[]>`
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 48756301 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      return [mine?.pid, holder?.pid];
    });
    expect(pids[0]).toBeNumber();
    expect(pids[0]).toBe(pids[1]);
  });

  test("cannot be taken on an unavailable database, and the error names the reason", async () => {
    const sql = createDb("postgres://nobody:canary@127.0.0.1:1/nothing");
    await using folder = await createMigrationFolder(BOOKS);
    await expect(runMigrations(sql, folder.path)).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      message: expect.stringContaining("is Postgres running"),
    });
    await closeDb(sql);
  });

  test("is not kept by a run whose connection was cut", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder({ "001_slow.sql": "SELECT pg_sleep(60);" });
    const { hostname, port } = new URL(database.url);
    const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
    const pool = createDb(proxy.url(database.url));
    const running = runMigrations(pool, folder.path);
    await until(() => findBackend(database.sql, "%pg_sleep(60)%"));
    proxy.cut();
    expect((await running).errors).toHaveLength(1);
    await until(async () => (await countLockHolders(database.sql)) === 0);
    await closeDb(pool);
    await proxy.close();
  });
});
