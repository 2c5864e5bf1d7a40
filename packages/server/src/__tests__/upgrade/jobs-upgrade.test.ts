import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import * as engine from "@wharf/job-runner";
import { TEST_TIMEOUT_MS, type TestDatabase, until } from "@wharf/testkit";
import pino from "pino";
import { restoreFixture } from "./restore-fixture.ts";
import { createJobs } from "./scenario-jobs.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const A_HUNDRED_YEARS_DAYS = 36_500;
/** Of jobs that the code before completed. */
const COMPLETED_BEFORE = ["said one", "said two", "said three", "said once"];

let database: TestDatabase;
beforeAll(async () => {
  database = await restoreFixture();
  // The tick of the fixture's next night is due or not, depending on the date of the test's run.
  await database.sql`UPDATE job_schedules SET next_at = '2091-01-01T03:00:00Z' WHERE name = 'nightly'`;
}, TEST_TIMEOUT_MS);
afterAll(() => database?.drop(), TEST_TIMEOUT_MS);

function createRunner() {
  const steps: string[] = [];
  const jobs = createJobs(engine, { onStep: (step) => steps.push(step) });
  const runner = engine.createJobRunner({
    dsn: database.url,
    jobs: jobs.jobs,
    schedules: [jobs.schedule],
    queues: { unserved: 5 },
    archiveDays: A_HUNDRED_YEARS_DAYS,
    eventDays: A_HUNDRED_YEARS_DAYS,
    idempotencyKeyDays: A_HUNDRED_YEARS_DAYS,
    maxBackoffMs: 100,
    logger: pino({ level: "silent" }),
  });
  const find = async (type: string, text: string) => {
    const listed = await runner.list({ type }, { limit: 100 });
    const found = await Promise.all(listed.map(({ id }) => runner.get(id)));
    return found.find((job) => JSON.stringify(job?.payload) === JSON.stringify({ text }));
  };
  const outputOf = async (type: string, text: string) => {
    const job = await find(type, text);
    if (job === undefined) throw new Error(`The job ${type} ${text} is gone.`);
    return (await runner.waitFor(job.id, { timeoutMs: TEST_TIMEOUT_MS / 2 })).output;
  };
  return { runner, jobs, steps, find, outputOf };
}

test("jobs that waited, slept, failed or lost their process run to their end, and finished steps do not run again", async () => {
  const { runner, jobs, steps, find, outputOf } = createRunner();
  await runner.start();
  for (const text of ["ready 1", "ready 2", "debounced"])
    expect(await outputOf("say", text)).toBe(`said ${text}`);
  expect(await outputOf("nap", "n-1")).toBe("rested");
  expect(await outputOf("retried", "again")).toBe("again in attempt 2");
  expect(await outputOf("hold", "h-1")).toBe("held h-1");
  expect(await outputOf("hold", "h-2")).toBe("held h-2");

  await runner.sendEvent({ name: "paid", key: "o-1", payload: { cents: 1 } });
  expect(await outputOf("order", "o-1")).toBe("invoice of o-1: 1 paid");
  expect((await find("order", "o-2"))?.status).toBe("queued");
  expect(steps).toEqual(["first h-2"]);

  // The event that was sent before the upgrade is kept for a job that waits for it, but not for one that is younger than it.
  expect(
    (await runner.sendEvent({ name: "paid", key: "o-3", payload: { cents: 4 }, id: "payment-3" })).existed,
  ).toBe(true);

  const dead = await find("flaky", "dead");
  expect(await runner.requeue({ ids: [dead?.id ?? ""] })).toBe(1);
  expect(await outputOf("flaky", "dead")).toBe("printed dead");
  expect((await find("say", "cancelled"))?.failureKind).toBe("cancelled");

  expect((await find("mail", "ada"))?.status).toBe("queued");
  await runner.resumeQueue("mail");
  expect(await outputOf("mail", "ada")).toBe("sent ada");

  const again = await runner.enqueue(jobs.say, { text: "once" }, { idempotencyKey: "invoice-7" });
  expect(again.existed).toBe(true);
  expect((await find("nightly", "by hand"))?.runAt).toStartWith("2091-01-01T00:00:00");
  await runner.drain();
});

test("jobs that were archived are still found, with what they returned", async () => {
  const { runner } = createRunner();
  const listed = await runner.list({ type: "say", states: ["completed"] }, { limit: 100 });
  const outputs = await Promise.all(listed.map(async ({ id }) => (await runner.get(id))?.output));
  expect(outputs).toEqual(expect.arrayContaining(COMPLETED_BEFORE));
  await runner.drain();
});

test("ticks that were due while nothing ran are made up for by one run", async () => {
  const { runner, outputOf } = createRunner();
  await database.sql`UPDATE job_schedules SET next_at = now() - interval '3 days' WHERE name = 'nightly'`;
  await runner.start();
  await until(async () => (await runner.list({ type: "nightly" }, { limit: 10 })).length > 1);
  expect(await outputOf("nightly", "tick")).toBe("counted");
  expect(await runner.list({ type: "nightly", states: ["completed"] }, { limit: 10 })).toHaveLength(1);
  await runner.drain();
});
