import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { defineJob } from "../index.ts";
import { anything, ended, statusOf, useRunners } from "./setup.ts";

const { database, runnerOf, started } = useRunners();
const quick = defineJob({ name: "quick", queue: "mail", input: anything, run: () => "done" });
/** Workers that poll at least this often: a pause must not depend on notifications. */
const polling = { listenSql: false, maxBackoffMs: 50 } as const;

describe("a paused queue", () => {
  test("is not claimed from by any process, including one that hands jobs over", async () => {
    const runners = [await started([quick], polling), await started([quick], polling)];
    const operator = runnerOf([]);
    expect(await operator.pauseQueue("mail", "provider is down")).toBe(true);
    const enqueued = await Promise.all(runners.map((runner) => runner.enqueue(quick, 1)));
    const marker = defineJob({ name: "marker", input: anything, run: () => null });
    const watch = await started([marker], polling);
    const { id: marked } = await watch.enqueue(marker, null, { delayMs: 200 });
    await ended(watch, marked, "completed");
    for (const { id } of enqueued) expect(await statusOf(operator, id)).toBe("queued");

    expect(await operator.resumeQueue("mail")).toBe(true);
    for (const { id } of enqueued) await ended(operator, id, "completed");
  });

  test("resumes immediately by a notification", async () => {
    const runner = await started([quick], { maxBackoffMs: 60_000, backoffBaseMs: 60_000 });
    await runner.pauseQueue("mail");
    const { id } = await runner.enqueue(quick, 1);
    expect((await runner.queues())[0]).toMatchObject({
      queue: "mail",
      ready: { count: 1 },
      pauseReason: null,
    });
    await runnerOf([]).resumeQueue("mail");
    await ended(runner, id, "completed");
  });
});

describe("many jobs at once", () => {
  test("aborts running jobs of another process, and queued jobs never start", async () => {
    let aborted = "";
    const endless = defineJob({
      name: "endless",
      input: anything,
      run: (ctx) =>
        new Promise((_, reject) => {
          ctx.signal.addEventListener("abort", () => {
            aborted = ctx.jobId;
            reject(ctx.signal.reason);
          });
        }),
    });
    const runner = await started([endless], { concurrency: 1 });
    const jobs = await runner.enqueueMany(endless, [{ input: 1 }, { input: 2 }, { input: 3 }]);
    await until(() => runner.stats().running === 1);
    expect(await runnerOf([]).cancelAll({ type: "endless" }, "enough")).toBe(3);
    await until(() => aborted !== "");
    for (const { id } of jobs) expect(await runner.get(id)).toMatchObject({ failureKind: "cancelled" });
  });

  test("requeues matching dead letters", async () => {
    let isBroken = true;
    const flaky = defineJob({
      name: "flaky",
      input: anything,
      maxAttempts: 1,
      run() {
        if (isBroken) throw new Error("broken");
      },
    });
    const runner = await started([flaky]);
    const { id } = await runner.enqueue(flaky, null);
    await ended(runner, id, "failed");
    isBroken = false;
    expect(await runner.requeue({ type: "other" })).toBe(0);
    expect(await runner.requeue({ type: "flaky" })).toBe(1);
    await ended(runner, id, "completed");
  });

  test("starts a scheduled job that is rescheduled to now", async () => {
    const runner = await started([quick], { maxBackoffMs: 60_000, backoffBaseMs: 60_000 });
    const { id } = await runner.enqueue(quick, 1, { delayMs: 3_600_000 });
    expect(await runnerOf([]).reschedule(id, { runAt: null })).toBe(true);
    await ended(runner, id, "completed");
  });
});

describe("the reason why a job does not run", () => {
  const keyed = defineJob({
    name: "keyed",
    input: anything,
    concurrency: { key: () => "k" },
    run: (ctx) =>
      new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(new Error("")))),
  });
  const flaky = defineJob({
    name: "flaky",
    input: anything,
    maxAttempts: 3,
    backoff: { baseMs: 60_000 },
    run: () => Promise.reject(new Error("no route\n  to host")),
  });
  const asking = defineJob({
    name: "asking",
    input: anything,
    run: (ctx, input) =>
      input === "sleep"
        ? ctx.sleep("night", 60_000)
        : ctx.waitForEvent("answer", { event: "answered", key: "a1" }),
  });
  const AN_HOUR_MS = 3_600_000;
  const UTC = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`;

  async function reasonOf(id: string, operator = runnerOf([quick], { workers: false })) {
    const jobs = await operator.list({ ids: [id] }, { limit: 1 });
    const steps = new Map([[id, await operator.steps(id)]]);
    return (await operator.waitingReasons(jobs, steps)).get(id);
  }

  const sentence = (pattern: string) =>
    expect.stringMatching(new RegExp(`^${pattern.replaceAll("UTC", UTC)}$`));

  test("names the pause, and the time until which it is not due", async () => {
    const operator = runnerOf([quick], { workers: false });
    const { id } = await operator.enqueue(quick, 1);
    const later = await operator.enqueue(quick, 1, { delayMs: AN_HOUR_MS });
    await operator.pauseQueue("mail", "the provider is down");
    expect(await reasonOf(id)).toMatchObject({
      reason: "paused",
      detail: sentence("Its queue is paused since UTC: the provider is down"),
      since: expect.any(String),
      until: null,
    });
    const until = (await operator.get(later.id))?.runAt;
    const notDue = { reason: "not_due", detail: sentence("It is not due until UTC."), until };
    expect(await reasonOf(later.id)).toMatchObject(notDue);
    await operator.cancel(id);
    expect(await reasonOf(id)).toBeUndefined();
  });

  test("names the job that holds the concurrency key, and a running job has none", async () => {
    const runner = await started([keyed]);
    const first = await runner.enqueue(keyed, 1);
    await ended(runner, first.id, "running");
    const { id } = await runner.enqueue(keyed, 2);
    const held = sentence(`Its concurrency key "k" is held by job ${first.id} since UTC.`);
    expect(await reasonOf(id)).toMatchObject({ reason: "key_held", detail: held, jobId: first.id });
    expect(await reasonOf(first.id)).toBeUndefined();
  });

  test("names the next attempt with the last error, the event and the end of a sleep", async () => {
    const runner = await started([flaky, asking]);
    const [failed, waiting, asleep] = [
      await runner.enqueue(flaky, 1),
      await runner.enqueue(asking, "event"),
      await runner.enqueue(asking, "sleep"),
    ];
    const holds = (id: string, reason: string) =>
      until(async () => ((await reasonOf(id))?.reason === reason ? await reasonOf(id) : undefined));
    const retry = sentence("Attempt 2 of 3 is due at UTC; the last one failed: Error: no route");
    expect(await holds(failed.id, "retry")).toMatchObject({ detail: retry });
    const event = sentence('It waits for the event "answered" with key "a1" since UTC.');
    expect(await holds(waiting.id, "event")).toMatchObject({ detail: event, until: null });
    expect(await holds(asleep.id, "sleep")).toMatchObject({ detail: sentence("It sleeps until UTC.") });
    const listed = await runner.waitingReasons(await runner.list({ ids: [asleep.id] }, { limit: 1 }));
    expect(listed.get(asleep.id)).toMatchObject({ reason: "not_due" });
  });

  test("names a missing worker once a job has been due for longer than claims take, and a lost one", async () => {
    const operator = runnerOf([quick], { workers: false });
    const { id } = await operator.enqueue(quick, 1);
    expect(await reasonOf(id)).toMatchObject({ reason: "turn" });
    await database.sql`UPDATE jobs SET run_at = '-infinity', updated_at = now() - interval '1 minute' WHERE id = ${id}`;
    const missing = sentence(
      "It is due since UTC, and no live worker of queue mail runs jobs of type quick. Start one.",
    );
    expect(await reasonOf(id)).toMatchObject({ reason: "no_worker", detail: missing });
    const late = await reasonOf(id, runnerOf([quick]));
    expect(late?.detail).toContain("the worker of this process has not taken it");
    await database.sql`UPDATE jobs SET queue = 'mial' WHERE id = ${id}`;
    const mistyped = await reasonOf(id, runnerOf([quick]));
    expect(mistyped?.detail).toContain("no live worker of queue mial runs jobs of type quick");

    await database.sql`
      UPDATE jobs SET status = 'running', lease_token = gen_random_uuid(), lease_expires_at = now() - interval '1 second',
        heartbeat_at = now() - interval '1 minute', locked_at = now() - interval '1 minute', locked_by = 'w1'
      WHERE id = ${id}`;
    expect(await reasonOf(id)).toMatchObject({
      reason: "worker_lost",
      detail: expect.stringContaining("w1"),
    });
  });

  test("of a job whose queue runs others is its turn", async () => {
    const blocking = defineJob({
      name: "blocking",
      queue: "mail",
      input: anything,
      run: () => new Promise(() => null),
    });
    const runner = await started([blocking], { concurrency: 1 });
    const first = await runner.enqueue(blocking, 1);
    await ended(runner, first.id, "running");
    const { id } = await runner.enqueue(blocking, 2);
    const turn = "The workers of queue mail run 1 job, and 1 is ready, this one among them.";
    expect(await reasonOf(id)).toMatchObject({ reason: "turn", detail: turn });
  });
});
