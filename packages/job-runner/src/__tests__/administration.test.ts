import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { defineJob } from "../index.ts";
import { anything, ended, statusOf, useRunners } from "./setup.ts";

const { runnerOf, started } = useRunners();
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
