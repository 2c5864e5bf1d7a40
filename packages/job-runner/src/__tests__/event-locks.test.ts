import { beforeEach, expect, test } from "bun:test";
import { clearRows, findLockWaits, until, useTestDatabase } from "@wharf/testkit";
import postgres, { type TransactionSql } from "postgres";
import { present, reserve, running } from "../conformance/setup.ts";
import { storableJson as json } from "../contract/storable-json.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";
import { deliverEvents } from "../stores/postgres/sql/deliver-events.ts";
import { suspendJob } from "../stores/postgres/sql/steps.ts";

const wait = { name: "w", event: { name: "go", key: "1" } };
const database = useTestDatabase({ migrate: migrateJobs });

beforeEach(() => clearRows(database.sql));

/** A waiting job that was resumed early and is about to suspend again, and an undelivered event. */
async function resumedEarly() {
  const driver = createPostgresDriver({ sql: database.sql });
  const now = new Date();
  const lease = await running(driver, {}, now);
  await driver.suspend(lease, [wait]);
  await driver.deliverEvents();
  await database.sql`UPDATE jobs SET run_at = '-infinity'`;
  const again = present((await reserve(driver, now))[0]);
  await driver.storeEvent({ ...wait.event, payload: json(1) });
  return { driver, lease: again };
}

/** Does `first` in a transaction, starts `second`, and commits once `second` waits for a lock. */
async function inTurn(first: (sql: TransactionSql) => Promise<unknown>, second: () => Promise<unknown>) {
  const own = postgres(database.url, { max: 1, onnotice: () => undefined });
  let started: Promise<unknown> | undefined;
  await own.begin(async (sql) => {
    await first(sql);
    started = second();
    await until(async () => (await findLockWaits(database.sql)).length > 0, {
      describe: "the second statement to wait for a lock",
    });
  });
  await started;
  await own.end({ timeout: 1 });
}

async function isRunnable(): Promise<unknown> {
  const [job] = await database.sql`SELECT status = 'queued' AND run_at <= now() AS runnable FROM jobs`;
  return job?.["runnable"];
}

test("a delivery leaves a run that is suspending, and the next one wakes its job", async () => {
  const { driver, lease } = await resumedEarly();
  await database.sql.begin(async (sql) => {
    await suspendJob(sql, lease, [wait], undefined);
    expect(await driver.deliverEvents()).toEqual([]);
  });
  await driver.deliverEvents();
  expect(await isRunnable()).toBe(true);
});

test("a job that stays locked holds up neither the events of others nor the only connection", async () => {
  const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
  const driver = createPostgresDriver({ sql });
  const waitOf = (key: string) => ({ name: "w", event: { name: "go", key } });
  const now = new Date();
  const leases = [await running(driver, {}, now), await running(driver, {}, now)];
  for (const [n, lease] of leases.entries()) await driver.suspend(lease, [waitOf(`${n}`)]);
  await driver.deliverEvents();
  const awake = async () => {
    const rows = await database.sql<
      { id: string }[]
    >`SELECT id::text FROM jobs WHERE run_at <> 'infinity' ORDER BY id`;
    return rows.map(({ id }) => id);
  };
  const [locked = "", other = ""] = leases.map(({ jobId }) => jobId);
  await database.sql.begin(async (holder) => {
    await holder`SELECT FROM jobs WHERE id = ${locked}::text::bigint FOR UPDATE`;
    await driver.storeEvent({ name: "go", key: "0", payload: json(1) });
    await database.sql`INSERT INTO job_events (name, key, payload, created_at) SELECT 'other', n::text, '1', now() FROM generate_series(1, 600) n`;
    await driver.storeEvent({ name: "go", key: "1", payload: json(1) });
    await driver.deliverEvents();
    await driver.deliverEvents();
    expect(await awake()).toEqual([other]);
  });
  await driver.deliverEvents();
  expect(await awake()).toEqual([locked, other]);
  await sql.end();
});

test("a resumed run whose wait is due receives the event that another delivery has locked", async () => {
  const driver = createPostgresDriver({ sql: database.sql });
  const at = { now: new Date() };
  const lease = await running(driver, {}, at.now);
  await driver.suspend(lease, [{ ...wait, forMs: 0 }], at);
  await driver.deliverEvents(at);
  const again = present((await reserve(driver, at.now))[0]);
  const event = await driver.storeEvent({ ...wait.event, payload: json(1) }, at);
  await database.sql.begin(async (other) => {
    await other`SELECT FROM job_events WHERE needs_match FOR UPDATE`;
    const steps = await driver.resumeSteps(again, at);
    expect(steps).toMatchObject([{ name: "w", eventId: event.id, output: 1 }]);
  });
});

test("a resumed run receives an older event when a delivery has just given the event to another wait", async () => {
  const driver = createPostgresDriver({ sql: database.sql });
  const at = { now: new Date() };
  const lease = await running(driver, {}, at.now);
  const sleep = { name: "s", forMs: 0 };
  await driver.suspend(lease, [{ ...wait, name: "w1" }, { ...wait, name: "w2" }, sleep], at);
  await driver.deliverEvents(at);
  const again = present((await reserve(driver, at.now))[0]);
  // Two events, of which the delivery below has seen the second alone: the first was committed later.
  const older = await driver.storeEvent({ ...wait.event, payload: json("older") }, at);
  const newer = await driver.storeEvent({ ...wait.event, payload: json("newer") }, at);
  let resumed: unknown;
  await inTurn(
    async (sql) => {
      await sql`SELECT FROM jobs FOR UPDATE`;
      await sql`UPDATE job_steps SET event_id = ${newer.id}, output = '"newer"', finished_at = now(), needs_match = false WHERE name = 'w1'`;
    },
    async () => {
      resumed = await driver.resumeSteps(again, at);
    },
  );
  expect(resumed).toMatchObject([
    { name: "s" },
    { name: "w1", eventId: newer.id, output: "newer" },
    { name: "w2", eventId: older.id, output: "older" },
  ]);
});

test("a suspension that waited for a delivery makes its job runnable at once", async () => {
  const { driver, lease } = await resumedEarly();
  await inTurn(
    (sql) => deliverEvents(sql, undefined),
    () => driver.suspend(lease, [wait]),
  );
  expect(await isRunnable()).toBe(true);
});
