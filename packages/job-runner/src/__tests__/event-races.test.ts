import { expect, test } from "bun:test";
import { until, useTestDatabase } from "@wharf/testkit";
import postgres from "postgres";
import type { Driver, ReservedJob } from "../contract/driver.ts";
import { storableJson as json } from "../contract/storable-json.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";

const JOBS = 120;
const KEYS = 12;
const WORKERS = 6;
const DEADLINE_MS = 45_000;

const database = useTestDatabase({ migrate: migrateJobs });

/** Each job waits for two events at a time under two addresses, and naps: three waits that end in any order. */
async function work(driver: Driver, job: ReservedJob) {
  const key = (offset: number) => `${(Number(job.jobId) + offset) % KEYS}`;
  const waits = [
    { name: "a", event: { name: "go", key: key(0) } },
    { name: "b", event: { name: "go", key: key(5) } },
    { name: "nap", forMs: 20 },
  ];
  const finished = (await driver.resumeSteps(job)).filter(({ finishedAt }) => finishedAt !== null);
  const open = waits.filter(({ name }) => !finished.some((step) => step.name === name));
  if (open.length === 0) {
    await driver.ack([job]);
    return;
  }
  await driver.suspend(job, open);
  await driver.deliverEvents();
}

test("concurrent waits, events, sleeps and early wake-ups lose nothing and never deadlock", async () => {
  const { sql, url } = database;
  await createPostgresDriver({ sql }).enqueue(
    Array.from({ length: JOBS }, (_, n) => ({ queue: "default", type: "t", payload: json(n) })),
  );
  const pools = Array.from({ length: WORKERS }, () => postgres(url, { max: 4, onnotice: () => undefined }));
  const left = async () => (await sql`SELECT count(*)::integer AS n FROM jobs`)[0]?.["n"];
  let isDone = false;

  const workers = pools.map(async (pool, n) => {
    const driver = createPostgresDriver({ sql: pool });
    while (!isDone) {
      const { jobs } = await driver.reserve({
        queue: "default",
        workerId: `${n}`,
        leaseMs: 20_000,
        limit: 8,
      });
      await Promise.all(jobs.map((job) => work(driver, job)));
      if (jobs.length === 0) await Bun.sleep(2);
    }
  });
  const senders = Array.from({ length: KEYS }, async (_, n) => {
    const driver = createPostgresDriver({ sql: pools[n % WORKERS] ?? sql });
    await Bun.sleep(Math.random() * 500);
    await driver.storeEvent({ name: "go", key: `${n}`, payload: json(n) });
    await driver.deliverEvents();
  });
  const waker = async () => {
    while (!isDone && (await left()) > JOBS / 2) {
      await sql`UPDATE jobs SET run_at = '-infinity' WHERE id = ANY (ARRAY(
        SELECT id FROM jobs WHERE status = 'queued' ORDER BY random() LIMIT 10 FOR UPDATE SKIP LOCKED))`;
      await Bun.sleep(5);
    }
  };
  const waking = waker();
  try {
    await until(async () => (await left()) === 0, {
      deadlineMs: DEADLINE_MS,
      describe: async () => `every job to be done; ${await left()} are left`,
    });
  } finally {
    isDone = true;
    await Promise.all([...workers, ...senders, waking]);
    await Promise.all(pools.map((pool) => pool.end({ timeout: 1 })));
  }
  const [stats] =
    await sql`SELECT deadlocks::integer AS n FROM pg_stat_database WHERE datname = current_database()`;
  expect(stats?.["n"]).toBe(0);
  const [received] =
    await sql`SELECT count(*)::integer AS n FROM job_steps WHERE kind = 'event' AND event_id IS NOT NULL`;
  expect(received?.["n"]).toBe(2 * JOBS);
});
