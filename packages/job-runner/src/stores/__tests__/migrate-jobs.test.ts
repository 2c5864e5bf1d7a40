import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createTestDatabase, TEST_TIMEOUT_MS, type TestDatabase, until } from "@wharf/testkit";
import postgres from "postgres";
import { MIGRATION_LOCK_KEY } from "../migration-ledger.ts";
import { jobMigrationsDir } from "../migrations-dir.ts";
import { migrateJobs } from "../postgres/migrate-jobs.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);
const files = readdirSync(jobMigrationsDir).sort();
let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const ledger = async () => [
  ...(await database.sql<{ name: string; checksum: string }[]>`
    SELECT name, checksum FROM _migrations ORDER BY name`),
];

test("each file is applied once and recorded with its checksum, as the server's migrator does", async () => {
  expect(await migrateJobs(database.sql)).toEqual(files);
  expect(await migrateJobs(database.sql)).toEqual([]);
  const checksumOf = (name: string) =>
    new Bun.CryptoHasher("sha256").update(readFileSync(join(jobMigrationsDir, name))).digest("hex");
  expect(await ledger()).toEqual(files.map((name) => ({ name, checksum: checksumOf(name) })));
});

test("sixteen concurrent callers create the tables once, and none fails", async () => {
  const pools = Array.from({ length: 16 }, () => postgres(database.url, { max: 1, onnotice: () => {} }));
  try {
    const applied = await Promise.all(pools.map((sql) => migrateJobs(sql)));
    expect(applied.flat().sort()).toEqual(files);
  } finally {
    await Promise.all(pools.map((sql) => sql.end({ timeout: 1 })));
  }
});

test("it waits while another process holds the migration lock, and names the holder after a time limit", async () => {
  const holder = await database.sql.reserve();
  try {
    await holder`SELECT pg_advisory_lock(${MIGRATION_LOCK_KEY})`;
    await expect(migrateJobs(database.sql, { lockDeadlineMs: 0 })).rejects.toMatchObject({
      code: "JOB_MIGRATION_LOCKED",
      message: expect.stringContaining(`objid = ${MIGRATION_LOCK_KEY}`),
    });
    let isDone = false;
    const waiting = migrateJobs(database.sql).then(() => {
      isDone = true;
    });
    const tries = async () =>
      (
        await database.sql`SELECT FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_xact_lock%'
        AND datname = current_database() AND pid <> pg_backend_pid()`
      ).length;
    await until(async () => (await tries()) > 0);
    expect(isDone).toBe(false);
    await holder`SELECT pg_advisory_unlock(${MIGRATION_LOCK_KEY})`;
    await waiting;
    expect(await ledger()).toHaveLength(files.length);
  } finally {
    holder.release();
  }
});

test("a failing file is rolled back, reported with the reason, and not recorded", async () => {
  await database.sql`CREATE VIEW jobs_archive AS SELECT 1`;
  await expect(migrateJobs(database.sql)).rejects.toMatchObject({
    code: "JOB_MIGRATION_FAILED",
    message: expect.stringMatching(/006_jobs\.sql could not be applied \(42P07\): .*jobs_archive/),
  });
  expect(await ledger()).toEqual([]);
  const [row] = await database.sql`SELECT to_regclass('jobs') AS jobs`;
  expect(row?.["jobs"]).toBeNull();
});

test("a file that was changed after it was applied is rejected", async () => {
  await migrateJobs(database.sql);
  await database.sql`UPDATE _migrations SET checksum = 'other' WHERE name = '006_jobs.sql'`;
  await expect(migrateJobs(database.sql)).rejects.toMatchObject({ code: "JOB_MIGRATION_EDITED" });
});

test("every file can run in one transaction with its record", () => {
  for (const name of files) {
    expect(name).toMatch(/^\d+_[a-z_]+\.sql$/);
    expect(readFileSync(join(jobMigrationsDir, name), "utf8")).not.toMatch(
      /migrate:no-transaction|CONCURRENTLY/,
    );
  }
});
