import { expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import type { Driver } from "../contract/driver.ts";
import { defineJob, type JobRunner } from "../index.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";
import { anything, useRunners } from "./setup.ts";

const { database, runnerOf, started } = useRunners();
const SHORT = 60;

/** Job types of a test: `long` runs until the gate opens. */
function jobsOf() {
  const gate = Promise.withResolvers<void>();
  const short = defineJob({ name: "short", input: anything, run: () => undefined });
  const long = defineJob({ name: "long", input: anything, priority: -1, run: () => gate.promise });
  return { gate, short, long };
}

/**
 * A runner with one slot that holds a long job, and claimed short ones behind it. The first claim takes all of them without regard to its
 * limit: the runner's own limit depends on measured durations.
 */
async function stalled(
  { short, long }: ReturnType<typeof jobsOf>,
  changed: Partial<Driver> = {},
): Promise<JobRunner> {
  const enqueuing = runnerOf([short, long]);
  await enqueuing.enqueue(long, 0);
  await enqueuing.enqueueMany(
    short,
    Array.from({ length: SHORT }, (_, input) => ({ input })),
  );
  const driver = createPostgresDriver({ sql: database.sql });
  const claimed = Promise.withResolvers<void>();
  const runner = runnerOf([short, long], {
    driver: {
      ...driver,
      async reserve(request, at) {
        const reservation = await driver.reserve({ ...request, limit: 1 + SHORT }, at);
        claimed.resolve();
        return reservation;
      },
      ...changed,
    },
    concurrency: 1,
    workerId: "busy",
    leaseMs: 5000,
  });
  await runner.start();
  await claimed.promise;
  return runner;
}

async function held(worker: string): Promise<number> {
  return (await database.sql`SELECT FROM jobs WHERE status = 'running' AND locked_by = ${worker}`).length;
}

async function completedBy(worker: string): Promise<number> {
  const rows = await database.sql`SELECT FROM jobs_archive WHERE locked_by = ${worker} AND type = 'short'`;
  return rows.length;
}

test("jobs claimed by a process with long runs are released to an idle process, in order", async () => {
  const jobs = jobsOf();
  await stalled(jobs);
  await started([jobs.short], { workerId: "idle", maxBackoffMs: 60_000 });
  await until(async () => (await completedBy("idle")) === SHORT, {
    describe: "the idle process to run them",
  });
  expect(await held("busy")).toBe(1);
  expect(await database.sql`SELECT FROM all_jobs WHERE attempts > 0 OR recoveries > 0`).toHaveLength(0);
  jobs.gate.resolve();
});

test("without an idle process they run in the claiming process, each once", async () => {
  const jobs = jobsOf();
  const runner = await stalled(jobs);
  await until(async () => (await held("busy")) === 1, { describe: "the others to be released" });
  expect(await database.sql`SELECT FROM jobs WHERE status = 'queued'`).toHaveLength(SHORT);
  jobs.gate.resolve();
  await until(async () => (await completedBy("busy")) === SHORT, { describe: "all to be completed" });
  expect(runner.stats()).toMatchObject({ recovered: 0, failed: 0 });
});

test("jobs whose release failed keep their lease and run in this process", async () => {
  const jobs = jobsOf();
  const refused = Promise.withResolvers<void>();
  async function release() {
    refused.resolve();
    throw new Error("the database is unavailable");
  }
  await stalled(jobs, { release });
  await refused.promise;
  jobs.gate.resolve();
  await until(async () => (await completedBy("busy")) === SHORT, { describe: "all to be completed" });
  expect(await database.sql`SELECT FROM all_jobs WHERE lease_generation <> 1`).toHaveLength(0);
});
