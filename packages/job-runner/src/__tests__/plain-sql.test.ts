import { beforeEach, expect, test } from "bun:test";
import { clearRows, useTestDatabase } from "@wharf/testkit";
import { ack, enqueue, ids, job, LEASE_MS, present, reserve } from "../conformance/setup.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";

const database = useTestDatabase({ migrate: migrateJobs });
const driverOf = () => createPostgresDriver({ sql: database.sql });
const request = { queue: "default", workerId: "w1", leaseMs: LEASE_MS, limit: 10 };

beforeEach(() => clearRows(database.sql));

async function claimed() {
  const driver = driverOf();
  await driver.enqueue([job({ concurrencyKey: "k" })]);
  const { jobs } = await driver.reserve(request);
  return { driver, lease: present(jobs[0]) };
}

async function locks() {
  return (await database.sql`SELECT job_id FROM durably_concurrency_locks`).length;
}

test("a key whose job was deleted without triggers is freed by the next claim", async () => {
  const { driver, lease } = await claimed();
  await driver.enqueue([job({ concurrencyKey: "k" })]);
  const connection = await database.sql.reserve();
  await connection`SET session_replication_role = replica`;
  await connection`DELETE FROM jobs WHERE id=${lease.jobId}`;
  await connection`SET session_replication_role = DEFAULT`;
  connection.release();
  expect(await locks()).toBe(1);
  await driver.reserve(request);
  expect((await driver.reserve(request)).jobs.length + (await locks())).toBeGreaterThan(0);
  expect(await database.sql`SELECT FROM job_concurrency_locks WHERE job_id = ${lease.jobId}`).toHaveLength(0);
});

test("a contradictory state is rejected", async () => {
  const id = await enqueue(driverOf());
  const impossible = database.sql`UPDATE jobs SET status='running' WHERE id=${id}`.execute();
  await expect(impossible).rejects.toMatchObject({ code: "23514" });
});

test("the views name the states of both older vocabularies", async () => {
  const driver = driverOf();
  await enqueue(driver, { runAt: "2999-01-01T00:00:00Z" });
  const [done, dead, running] = [await enqueue(driver), await enqueue(driver), await enqueue(driver)];
  const now = new Date();
  const jobs = await reserve(driver, now);
  const leaseOf = (id: string) => present(jobs.find(({ jobId }) => jobId === id));
  await ack(driver, leaseOf(done), now);
  await driver.fail(leaseOf(dead), { error: "x", kind: "unrecoverable" }, { now });
  await driver.cancel(await enqueue(driver), "no");
  await enqueue(driver);
  expect(ids(jobs)).toContain(running);
  const delivery = await database.sql`SELECT state FROM jobs_by_delivery ORDER BY id`;
  expect(delivery.map((row) => row["state"])).toEqual([
    "scheduled",
    "done",
    "dlq",
    "inflight",
    "done",
    "ready",
  ]);
  const lease = await database.sql`SELECT state FROM jobs_by_lease ORDER BY id`;
  expect(lease.map((row) => row["state"])).toEqual([
    "pending",
    "completed",
    "failed",
    "leased",
    "cancelled",
    "pending",
  ]);
});

test("the archive is kept in partitions of a day, and those past the retention are dropped", async () => {
  const { sql } = database;
  await sql`CREATE TABLE jobs_archive_20200101 PARTITION OF jobs_archive
    FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-01-02 00:00:00+00')`;
  await driverOf().maintain({ archiveDays: 30, idempotencyKeyDays: 30 });
  const partitions = await sql<{ name: string }[]>`
    SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'jobs_archive'::regclass`;
  const names = partitions.map(({ name }) => name);
  const today = new Date().toISOString().slice(0, 10).replaceAll("-", "");
  expect(names).not.toContain("jobs_archive_20200101");
  expect(names).toContain(`jobs_archive_${today}`);
  const { lease, driver } = await claimed();
  await driver.ack([lease]);
  expect(await sql`SELECT id FROM ${sql(`jobs_archive_${today}`)}`).toHaveLength(1);
});
