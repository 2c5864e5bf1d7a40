import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { findLockWaits, spawnProgram, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { runMigrations } from "../migrator.ts";
import { migratePhases, type PhasesResult } from "../phases.ts";
import { closeDb, createDb, type Sql } from "../postgres.ts";
import { dumpSchema } from "./dump-schema.ts";
import { countLockHolders, createEmptyDatabase, findBackend, ledgerNames } from "./empty-database.ts";
import { createMigrationFolder } from "./migration-folder.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const PROGRAM = join(import.meta.dir, "migrate-program.ts");
const expected = { schema: "", files: [""] };

beforeAll(async () => {
  await using database = await createEmptyDatabase();
  expected.files = (await migratePhases(database.sql)).applied;
  expected.schema = await dumpSchema(database.sql);
});

function spawnMigration(url: string, folder?: string) {
  const command = [process.execPath, PROGRAM, url, ...(folder === undefined ? [] : [folder])];
  return spawnProgram({ command, cwd: import.meta.dir });
}

/** Answers what the program printed as JSON. */
async function finish(program: ReturnType<typeof spawnMigration>) {
  expect(await program.exited, program.stderr).toBe(0);
  return JSON.parse(program.stdout);
}

/** The schema is whole, all files were applied by one of the runs and met by all, and the lock is free. */
async function expectAppliedOnce(sql: Sql, results: PhasesResult[]): Promise<void> {
  // One lock for all folders: the run that gets it first applies every file.
  expect(results.map(({ applied }) => applied.length).toSorted((a, b) => b - a)).toEqual([
    expected.files.length,
    ...results.slice(1).map(() => 0),
  ]);
  for (const { applied, skipped } of results) {
    expect([...applied, ...skipped].toSorted()).toEqual(expected.files.toSorted());
  }
  expect(await ledgerNames(sql)).toEqual(expected.files.toSorted());
  expect(await dumpSchema(sql)).toBe(expected.schema);
  await until(async () => (await countLockHolders(sql)) === 0, { describe: "the lock to be free" });
}

/** Whether a backend waits for the lock of a table. */
async function waitsForTable(sql: Sql): Promise<boolean> {
  return (await findLockWaits(sql)).length > 0;
}

describe("simultaneous runs apply each file once", () => {
  for (const count of [2, 8]) {
    test(`${count} of them on one pool in one process`, async () => {
      await using database = await createEmptyDatabase();
      const results = await Promise.all(Array.from({ length: count }, () => migratePhases(database.sql)));
      await expectAppliedOnce(database.sql, results);
    });

    test(`${count} of them in processes of their own`, async () => {
      await using database = await createEmptyDatabase();
      const programs = Array.from({ length: count }, () => spawnMigration(database.url));
      await expectAppliedOnce(database.sql, await Promise.all(programs.map(finish)));
    });
  }

  test("32 of them on an empty database, each with a pool of its own", async () => {
    await using database = await createEmptyDatabase();
    const pools = Array.from({ length: 32 }, () => createDb(database.url, { max: 1 }));
    await expectAppliedOnce(database.sql, await Promise.all(pools.map((pool) => migratePhases(pool))));
    await Promise.all(pools.map(closeDb));
  });

  test("on a pool whose every connection is busy, whose queries are all answered", async () => {
    await using database = await createEmptyDatabase();
    const pool = createDb(database.url, { max: 3 });
    const state = { migrated: false, answers: 0 };
    const keepBusy = async () => {
      while (!state.migrated) {
        const [row] = await pool<{ lock: string }[]>`SELECT pg_sleep(0.002)::text AS lock`;
        if (row !== undefined) state.answers += 1;
      }
    };
    const load = Promise.all(Array.from({ length: 300 }, keepBusy));
    await until(() => state.answers > 0);
    const results = await Promise.all([migratePhases(pool), migratePhases(pool)]);
    state.migrated = true;
    await load;
    await expectAppliedOnce(database.sql, results);
    await closeDb(pool);
  });
});

describe("a run that is killed while it holds the lock", () => {
  test("in the middle of a statement is rolled back, and the next one completes the schema", async () => {
    await using database = await createEmptyDatabase();
    const [phase1 = "", phase2 = ""] = expected.files;
    await runMigrations(database.sql, join(import.meta.dir, "..", "migrations"));
    const blocker = await database.sql.reserve();
    await blocker`BEGIN`;
    await blocker`LOCK TABLE sessions IN ACCESS SHARE MODE`;
    const victim = spawnMigration(database.url);
    await until(() => waitsForTable(database.sql), { deadlineMs: 20_000 });
    expect(await countLockHolders(database.sql)).toBe(1);
    victim.kill("SIGKILL");
    await victim.exited;
    // Its statement still waits for the table, and ends because the server detects that its client is gone.
    const next = migratePhases(database.sql);
    await until(async () => !(await waitsForTable(database.sql)));
    await blocker`COMMIT`;
    blocker.release();
    expect(await next).toMatchObject({ applied: expected.files.slice(1), skipped: [phase1] });
    expect(await dumpSchema(database.sql)).toBe(expected.schema);
    expect(await ledgerNames(database.sql)).toContain(phase2);
  });
});

describe("a backend that is terminated in the middle of a migration", () => {
  const FILES = {
    "001_books.sql": "CREATE TABLE books (id INTEGER); CREATE TABLE brake AS SELECT 60 AS seconds;",
    "002_half.sql": "CREATE TABLE half (id INTEGER); SELECT pg_sleep(seconds) FROM brake;",
    "003_pages.sql": "CREATE TABLE pages (id INTEGER);",
  };

  test("is rolled back and reported, and the next run completes", async () => {
    await using database = await createEmptyDatabase();
    await using folder = await createMigrationFolder(FILES);
    const pool = createDb(database.url);
    const running = runMigrations(pool, folder.path);
    const pid = await until(() => findBackend(database.sql, "%pg_sleep(seconds)%"));
    await database.sql`SELECT pg_terminate_backend(${pid})`;
    const result = await running;
    expect(result.applied).toEqual(["001_books.sql"]);
    expect(result.errors.map(({ name }) => name)).toEqual(["002_half.sql", "003_pages.sql"]);
    expect(await ledgerNames(database.sql)).toEqual(["001_books.sql"]);
    await until(async () => (await countLockHolders(database.sql)) === 0);

    await database.sql`DELETE FROM brake`;
    expect(await runMigrations(pool, folder.path)).toEqual({
      applied: ["002_half.sql", "003_pages.sql"],
      skipped: ["001_books.sql"],
      errors: [],
    });
    await closeDb(pool);
  });
});
