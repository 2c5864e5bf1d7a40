import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeDriverContract } from "../../conformance/index.ts";
import { enqueue, ids, job, NOW, reserve, stored } from "../../conformance/setup.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { createSqliteDriver } from "../sqlite/sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "job-runner-sqlite-"));
let driver: ReturnType<typeof createSqliteDriver>;
let path = "";
let files = 0;

beforeEach(() => {
  files += 1;
  path = join(folder, `${files}.db`);
  driver = createSqliteDriver(path);
});
afterEach(() => driver.close());
afterAll(() => rmSync(folder, { recursive: true }));

describeDriverContract("SQLite", () => driver);

describe("the file", () => {
  test("jobs exist when the file is opened again", async () => {
    const id = await enqueue(driver, { payload: { kept: "ü" } });
    await driver.close();
    driver = createSqliteDriver(path);
    expect((await stored(driver, id)).payload).toEqual({ kept: "ü" });
    expect(ids(await reserve(driver))).toEqual([id]);
  });

  test("operations before the close are written", async () => {
    const enqueued = driver.enqueue([job(), job()], { now: NOW });
    await driver.close();
    expect(await enqueued).toHaveLength(2);
    driver = createSqliteDriver(path);
    expect(await reserve(driver)).toHaveLength(2);
  });

  test("an id is never reused, even if the last job is deleted", async () => {
    const first = await enqueue(driver);
    using file = new Database(path);
    file.run("DELETE FROM jobs");
    expect(Number(await enqueue(driver))).toBeGreaterThan(Number(first));
  });

  test("a commit waits for the disk, and readers do not wait for a writer", async () => {
    using file = openDatabase(path, 0);
    expect(file.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(file.query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  });

  test("a file of a newer program is rejected", async () => {
    using file = new Database(path);
    file.run("PRAGMA user_version = 999");
    expect(() => createSqliteDriver(path)).toThrow(/schema version 999.*run a newer version of the program/);
  });

  test("a missing folder is reported", () => {
    expect(() => createSqliteDriver(join(folder, "missing", "jobs.db"))).toThrow(/its folder must exist/);
  });
});

describe("one transaction for many operations", () => {
  test("rolls back a failed operation individually; others of the same turn are stored", async () => {
    const outcomes = await Promise.allSettled([
      driver.enqueue([job()], { now: NOW }),
      driver.enqueue([job(), job({ maxAttempts: 0 })], { now: NOW }),
      driver.enqueue([job()], { now: NOW }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await reserve(driver)).toHaveLength(2);
  });

  test("a file that is locked for too long fails all of them, and later ones succeed", async () => {
    await driver.close();
    driver = createSqliteDriver(path, { busyTimeoutMs: 20 });
    using other = new Database(path);
    other.run("BEGIN IMMEDIATE");
    const outcomes = await Promise.allSettled([enqueue(driver), enqueue(driver)]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    other.run("ROLLBACK");
    const id = await enqueue(driver);
    expect(ids(await reserve(driver))).toEqual([id]);
  });
});

test("a transaction of the caller is refused", async () => {
  const transaction = Object.assign(() => {}, {}) as never;
  await expect(driver.enqueue([], { transaction })).rejects.toMatchObject({ code: "JOB_UNSUPPORTED" });
});
