import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { z } from "zod";
import { defineJob, JobSchemaError, UnrecoverableError } from "../index.ts";
import { anything, ended, fast, statusOf, useRunners } from "./setup.ts";

const { database, runnerOf, started } = useRunners();

describe("running jobs", () => {
  test("a job runs with its parsed input and keeps its output", async () => {
    const add = defineJob({
      name: "add",
      input: z.object({ a: z.number(), b: z.number().default(2) }),
      output: z.object({ sum: z.number() }),
      run: (_ctx, { a, b }) => ({ sum: a + b }),
    });
    const runner = await started([add]);
    const { id } = await runner.enqueue(add, { a: 1 });
    await ended(runner, id, "completed");
    expect(await runner.get(id)).toMatchObject({ output: { sum: 3 }, payload: { a: 1 } });
  });

  test("input that does not match is refused at the enqueue and nothing is stored", async () => {
    const job = defineJob({ name: "strict", input: z.object({ n: z.number() }), run: () => undefined });
    const runner = runnerOf([job]);
    await expect(runner.enqueue(job, { n: "1" } as never)).rejects.toBeInstanceOf(JobSchemaError);
    expect(await database.sql`SELECT id FROM jobs`).toHaveLength(0);
  });

  test("an empty concurrency key is refused at the enqueue", async () => {
    const job = defineJob({
      name: "keyed",
      input: anything,
      concurrency: { key: () => "" },
      run: () => undefined,
    });
    await expect(runnerOf([job]).enqueue(job, 1)).rejects.toMatchObject({ code: "JOB_OPTION_INVALID" });
    expect(await database.sql`SELECT id FROM jobs`).toHaveLength(0);
  });

  test("stored input that no longer matches goes to the dead letters at once", async () => {
    const loose = defineJob({ name: "evolving", input: anything, run: () => undefined });
    const strict = defineJob({ name: "evolving", input: z.object({ n: z.number() }), run: () => undefined });
    const { id } = await runnerOf([]).enqueue(loose, { n: "old" });
    const runner = await started([strict]);
    await ended(runner, id, "failed");
    expect(await runner.get(id)).toMatchObject({ failureKind: "invalid_input", attempts: 1 });
  });

  test("a failing job is retried with its error kept until it succeeds", async () => {
    const attempts: number[] = [];
    const flaky = defineJob({
      name: "flaky",
      input: anything,
      backoff: fast,
      run(ctx) {
        attempts.push(ctx.attempt);
        if (ctx.attempt < 3) throw new Error(`no ${ctx.attempt}`);
      },
    });
    const runner = await started([flaky]);
    const { id } = await runner.enqueue(flaky, null);
    await ended(runner, id, "completed");
    expect(attempts).toEqual([1, 2, 3]);
    expect(await runner.get(id)).toMatchObject({ attempts: 2, lastError: "Error: no 2" });
  });

  test("a job that keeps failing is dead after maxAttempts, or after the worker's cap if that is smaller", async () => {
    const bad = defineJob({
      name: "bad",
      input: anything,
      maxAttempts: 3,
      backoff: fast,
      run: () => Promise.reject(new Error("x")),
    });
    const runner = await started([bad]);
    const { id } = await runner.enqueue(bad, null);
    await ended(runner, id, "failed");
    expect(await runner.get(id)).toMatchObject({
      attempts: 3,
      failureKind: "attempts_exhausted",
      dlqReason: "Error: x",
    });
    await runner.drain(200);
    const capped = await started([bad], { maxAttempts: 1 });
    const second = await capped.enqueue(bad, null);
    await ended(capped, second.id, "failed");
    expect((await capped.get(second.id))?.attempts).toBe(1);
  });

  test("an unrecoverable error is not retried", async () => {
    const hopeless = defineJob({
      name: "hopeless",
      input: anything,
      run: () => Promise.reject(new UnrecoverableError("never")),
    });
    const runner = await started([hopeless]);
    const { id } = await runner.enqueue(hopeless, null);
    await ended(runner, id, "failed");
    expect(await runner.get(id)).toMatchObject({ attempts: 1, failureKind: "unrecoverable" });
    expect((await runner.deadLetters({ type: "hopeless" }, { limit: 5 })).map((dead) => dead.id)).toEqual([
      id,
    ]);
  });

  test("an output with characters that Postgres rejects does not affect other jobs", async () => {
    const odd = defineJob({ name: "odd", input: z.string(), run: (_ctx, text) => text });
    const runner = await started([odd]);
    const ids = await Promise.all(
      ["a\u0000b", "\ud800", "plain", "\\u0000"].map((text) => runner.enqueue(odd, text)),
    );
    for (const { id } of ids) await ended(runner, id, "completed");
    const outputs = await Promise.all(ids.map(async ({ id }) => (await runner.get(id))?.output));
    expect(outputs).toEqual(["a\ufffdb", "\ufffd", "plain", "\\u0000"]);
  });

  test("no more jobs run at once than the concurrency", async () => {
    let now = 0;
    let most = 0;
    const busy = defineJob({
      name: "busy",
      input: anything,
      async run() {
        now += 1;
        most = Math.max(most, now);
        await Bun.sleep(2);
        now -= 1;
      },
    });
    const runner = await started([busy], { concurrency: 3 });
    const jobs = await runner.enqueueMany(
      busy,
      Array.from({ length: 40 }, (_, input) => ({ input })),
    );
    for (const { id } of jobs) await ended(runner, id, "completed");
    expect(most).toBe(3);
  });

  test("the same runner works on the memory driver", async () => {
    const echo = defineJob({ name: "echo", input: z.string(), run: (_ctx, text) => text });
    const runner = await started([echo], { dsn: "memory:" });
    const { id } = await runner.enqueue(echo, "hi", { delayMs: 1 });
    await ended(runner, id, "completed");
    expect((await runner.get(id))?.output).toBe("hi");
  });
});

describe("enqueue", () => {
  const noop = defineJob({ name: "noop", input: anything, run: () => undefined });

  test("a free slot gets the job handed over: it is running when enqueue returns, and no other claim happened", async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const gated = defineJob({ name: "gated", input: anything, run: () => gate });
    const runner = await started([gated]);
    await until(() => runner.stats().running === 0);
    const first = await until(async () => {
      const { id } = await runner.enqueue(gated, null);
      return (await runner.get(id))?.status === "running" ? id : undefined;
    });
    expect((await runner.get(first))?.leaseGeneration).toBe(1);
    release();
    await ended(runner, first, "completed");
  });

  test("a job exists if and only if its transaction commits", async () => {
    const runner = await started([noop]);
    const connection = await database.sql.reserve();
    try {
      await connection`BEGIN`;
      await runner.enqueue(noop, 1, { transaction: connection });
      await connection`ROLLBACK`;
      expect(await database.sql`SELECT id FROM all_jobs`).toHaveLength(0);
      await connection`BEGIN`;
      const { id } = await runner.enqueue(noop, 2, { transaction: connection });
      expect(await runner.get(id)).toBeUndefined();
      await connection`COMMIT`;
      await ended(runner, id, "completed");
    } finally {
      connection.release();
    }
  });

  test("another process's enqueue wakes an idle worker by notification", async () => {
    const runner = await started([noop], { backoffBaseMs: 60_000, maxBackoffMs: 60_000 });
    const { id } = await runnerOf([]).enqueue(noop, null);
    await ended(runner, id, "completed");
  });

  test("polling alone finds a job too", async () => {
    const runner = await started([noop], { listenSql: false });
    const { id } = await runnerOf([]).enqueue(noop, null);
    await ended(runner, id, "completed");
  });

  test("a runner without workers migrates, enqueues and runs nothing", async () => {
    let isMigrated = false;
    const migrate = async () => {
      isMigrated = true;
    };
    const runner = await started([noop], { workers: false, migrate });
    const { id } = await runner.enqueue(noop, null);
    expect(isMigrated).toBe(true);
    expect(await statusOf(runner, id)).toBe("queued");
  });
});

describe("metrics", () => {
  test("the fixed names stand at zero from the first scrape", () => {
    const text = runnerOf([]).metrics.prometheus();
    for (const name of ["submitted_total", "completed_total", "failed_total", "recovered_total", "running"]) {
      expect(text).toContain(`\nphase6_task_${name} 0\n`);
    }
    expect(text).toContain('phase6_task_claim_latency_seconds_bucket{le="+Inf"} 0');
    expect(text).toContain("phase6_task_run_duration_seconds_count 0");
  });

  test("submitted, completed and failed count jobs, not attempts or repeats", async () => {
    const picky = defineJob({
      name: "picky",
      input: z.boolean(),
      maxAttempts: 2,
      backoff: fast,
      run(_ctx, isGood) {
        if (!isGood) throw new Error("bad");
      },
    });
    const runner = await started([picky]);
    const good = await runner.enqueue(picky, true, { idempotencyKey: "same" });
    expect((await runner.enqueue(picky, true, { idempotencyKey: "same" })).existed).toBe(true);
    const bad = await runner.enqueue(picky, false);
    await ended(runner, good.id, "completed");
    await ended(runner, bad.id, "failed");
    await until(() => runner.stats().completed === 1 && runner.stats().failed === 1);
    expect(runner.stats()).toMatchObject({ submitted: 2, completed: 1, failed: 1, recovered: 0, running: 0 });
  });
});
