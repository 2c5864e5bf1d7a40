import { beforeEach, expect, test } from "bun:test";
import { clearRows, useTestDatabase } from "@wharf/testkit";
import { ack, ids, later, NOW, present, reserve, running } from "../conformance/setup.ts";
import { storableJson as json } from "../contract/storable-json.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";

const DAY_MS = 86_400_000;
const RETENTION = { archiveDays: 30, idempotencyKeyDays: 30 };
const line = { level: "info", message: "x", fields: null, loggedAt: NOW } as const;
const paid = { name: "paid", key: "1" };

const database = useTestDatabase({ migrate: migrateJobs });
const driverOf = () => createPostgresDriver({ sql: database.sql });

beforeEach(() => clearRows(database.sql));

/** A job with a failed attempt, a step, a log line and a wait, back in the queue. */
async function waitingJob() {
  const driver = driverOf();
  const failed = await running(driver);
  await driver.retry(failed, { error: "x" }, { now: NOW });
  const lease = present((await reserve(driver))[0]);
  await driver.saveStep(lease, { name: "a", output: json(1) }, { now: NOW });
  await driver.appendLog(lease, [line], { now: NOW });
  await driver.suspend(lease, [{ name: "w", event: paid }], { now: NOW });
  return { driver, id: lease.jobId };
}

async function rowsLeft() {
  const [rows] = await database.sql`
    SELECT (SELECT count(*)::integer FROM job_steps) AS steps, (SELECT count(*)::integer FROM job_logs) AS lines,
      (SELECT count(*)::integer FROM job_attempts) AS attempts`;
  return { ...rows };
}

test("a manually deleted waiting job breaks no delivery, and its remaining rows are deleted", async () => {
  const { driver, id } = await waitingJob();
  await database.sql`DELETE FROM jobs WHERE id = ${id}`;
  await driver.storeEvent({ ...paid, payload: json(1) }, { now: NOW });
  expect(await driver.deliverEvents({ now: NOW })).toEqual([]);
  expect(await driver.deliverEvents({ now: NOW })).toEqual([]);
  await driver.maintain(RETENTION, { now: later(29 * DAY_MS) });
  expect(await rowsLeft()).toEqual({ steps: 2, lines: 1, attempts: 1 });
  await driver.maintain(RETENTION, { now: later(31 * DAY_MS) });
  expect(await rowsLeft()).toEqual({ steps: 0, lines: 0, attempts: 0 });
});

test("steps of stored and archived jobs are kept at any age, and are deleted with the job", async () => {
  const { driver, id } = await waitingJob();
  await driver.maintain(RETENTION, { now: later(100 * DAY_MS) });
  expect(await rowsLeft()).toEqual({ steps: 2, lines: 1, attempts: 1 });
  await driver.storeEvent({ ...paid, payload: json(1) }, { now: NOW });
  await driver.deliverEvents({ now: NOW });
  // The archive's days are the database's: a job that was done in March would be dropped with them.
  const today = new Date();
  const [lease] = await reserve(driver, today);
  await ack(driver, present(lease), today);
  await driver.maintain(RETENTION, { now: later(100 * DAY_MS) });
  expect(await driver.stepsOf(id)).toHaveLength(2);
  expect(await driver.logOf(id, { limit: 10 })).toHaveLength(1);
  expect(await driver.attemptsOf(id)).toMatchObject([{ outcome: "failed" }, { outcome: "completed" }]);
  await database.sql`DELETE FROM jobs_archive WHERE id = ${id}`;
  await driver.maintain(RETENTION, { now: later(100 * DAY_MS) });
  expect(await rowsLeft()).toEqual({ steps: 0, lines: 0, attempts: 0 });
});

test("a waiting job that is manually made runnable continues to wait, and receives its event", async () => {
  const { driver, id } = await waitingJob();
  await database.sql`UPDATE jobs SET run_at = '-infinity' WHERE id = ${id}`;
  const [lease] = await reserve(driver);
  const steps = await driver.resumeSteps(present(lease), { now: NOW });
  expect(steps.map(({ finishedAt }) => finishedAt)).toEqual([NOW, null]);
  expect(await driver.suspend(present(lease), [{ name: "w", event: paid }], { now: NOW })).toBeNull();
  await driver.storeEvent({ ...paid, payload: json(1) }, { now: NOW });
  expect(await driver.deliverEvents({ now: NOW })).toEqual(["default"]);
  expect(ids(await reserve(driver))).toEqual([id]);
});

test("a run that was taken from its worker by plain SQL stores no step", async () => {
  const driver = driverOf();
  const { jobs } = await driver.reserve({ queue: "default", workerId: "w", leaseMs: 30_000, limit: 1 });
  expect(jobs).toEqual([]);
  const lease = await running(driver);
  await database.sql`UPDATE jobs SET status='queued', locked_at=NULL, locked_by=NULL WHERE id=${lease.jobId}`;
  const save = driver.saveStep(lease, { name: "a", output: json(1) }, { now: NOW });
  await expect(save).rejects.toMatchObject({ code: "JOB_NOT_INFLIGHT" });
  expect(await driver.stepsOf(lease.jobId)).toEqual([]);
});

test("the table rejects a contradictory step", async () => {
  const insert = database.sql`INSERT INTO job_steps (job_id, kind, name, created_at) VALUES (1, 'event', 'x', now())`;
  await expect(insert.execute()).rejects.toMatchObject({ code: "23514" });
});

test("an attempt that an operator ends in plain SQL is in the history, unless the job is only requeued", async () => {
  const { sql } = database;
  const driver = driverOf();
  const lease = await running(driver);
  await sql`UPDATE jobs SET status = 'queued', locked_at = NULL, locked_by = NULL WHERE id = ${lease.jobId}`;
  expect(await driver.attemptsOf(lease.jobId)).toEqual([]);
  await reserve(driver);
  await sql`UPDATE jobs SET status = 'failed', last_error = 'by hand', attempts = attempts + 1 WHERE id = ${lease.jobId}`;
  await sql`UPDATE jobs SET status = 'queued' WHERE id = ${lease.jobId}`;
  await reserve(driver);
  await sql`UPDATE jobs SET status = 'failed', updated_at = now() WHERE id = ${lease.jobId}`;
  expect(await driver.attemptsOf(lease.jobId)).toMatchObject([
    { attempt: 1, leaseGeneration: 2, workerId: "w1", outcome: "failed", error: "by hand" },
    { attempt: 2, leaseGeneration: 3, workerId: "w1", outcome: "cancelled", error: null },
  ]);
});
