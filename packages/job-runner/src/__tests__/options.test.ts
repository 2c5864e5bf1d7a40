import { describe, expect, test } from "bun:test";
import { backoffMs } from "../engine/backoff.ts";
import {
  createJobRunner,
  defineJob,
  defineSchedule,
  JobOptionError,
  type JobRunnerOptions,
  TIMEOUT_MAX_MS,
} from "../index.ts";
import { anything, silent, useRunners } from "./setup.ts";

const { started } = useRunners();
const job = { name: "job", input: anything, run: () => 1 };
const INVALID_JOBS = {
  "a name that is too long": { name: "x".repeat(10_000) },
  "attempts with a fraction": { maxAttempts: 1.5 },
  "a timeout beyond a timer": { timeoutMs: TIMEOUT_MAX_MS + 1 },
  "a priority that is no integer": { priority: 0.5 },
  "a concurrency limit that is too large": { concurrency: { key: () => "k", limit: 40_000 } },
  "an infinite backoff": { backoff: { maxMs: Number.POSITIVE_INFINITY, factor: 1e200 } },
  "a jitter above 1": { backoff: { jitter: 2 } },
  "an expected time that is no number": { expectedRunMs: Number.NaN },
};
const INVALID_RUNNERS: Record<string, Partial<JobRunnerOptions>> = {
  "a concurrency of 0": { concurrency: 0 },
  "a concurrency of NaN": { concurrency: Number.NaN },
  "an infinite concurrency": { concurrency: Number.POSITIVE_INFINITY },
  "a queue's concurrency of 0": { queues: { mail: 0 } },
  "a lease of 0": { leaseMs: 0 },
  "a negative lease": { leaseMs: -1 },
  "a pause beyond a timer": { maxBackoffMs: TIMEOUT_MAX_MS + 1 },
  "a deadline of 0": { statementDeadlineMs: 0 },
  "an archive of half a day": { archiveDays: 0.5 },
  "recoveries below 0": { maxRecoveries: -1 },
};

describe("options are checked where they are given", () => {
  for (const [what, options] of Object.entries(INVALID_JOBS)) {
    test(`a job with ${what} is refused`, () => {
      expect(() => defineJob({ ...job, ...options })).toThrow(JobOptionError);
    });
  }

  for (const [what, options] of Object.entries(INVALID_RUNNERS)) {
    test(`a runner with ${what} is refused`, () => {
      expect(() => createJobRunner({ dsn: "memory:", logger: silent, ...options })).toThrow(JobOptionError);
    });
  }

  test("a schedule with a name that is too long is refused, without its value in the message", () => {
    const name = "secret".repeat(100);
    const define = () => defineSchedule({ name, cron: "* * * * *", job: defineJob(job), input: null });
    expect(define).toThrow(JobOptionError);
    expect(define).not.toThrow(/secret/);
  });

  test("an invalid sleep or wait fails its job with the reason", async () => {
    const naps = defineJob({ ...job, name: "naps", run: (ctx) => ctx.sleep("long", 1e16) });
    const waits = defineJob({
      ...job,
      name: "waits",
      run: async (ctx) => void (await ctx.waitForEvent("paid", { event: "paid", key: "k".repeat(5000) })),
    });
    const runner = await started([naps, waits], { dsn: "memory:", concurrency: 1 });
    for (const definition of [naps, waits]) {
      const { id } = await runner.enqueue(definition, null);
      await expect(runner.waitFor(id)).rejects.toMatchObject({ kind: "unrecoverable" });
      expect((await runner.get(id))?.lastError).toStartWith("JobOptionError: ");
    }
  });

  test("a wait with an invalid timeout is rejected; a drain without a limit ends when no job runs", async () => {
    const runner = await started([defineJob(job)], { dsn: "memory:" });
    const { id } = await runner.enqueue(defineJob(job), null);
    await expect(runner.waitFor(id, { timeoutMs: Number.NaN })).rejects.toThrow(JobOptionError);
    await runner.waitFor(id);
    await runner.drain(Number.POSITIVE_INFINITY);
  });

  test("a backoff stays a finite number of ms after any number of failures", () => {
    const random = () => 0.5;
    const backoff = { baseMs: 0, factor: 1e200, maxMs: 1000, jitter: 0 };
    expect(backoffMs(5000, backoff, random)).toBe(0);
    expect(backoffMs(5000, { ...backoff, baseMs: 1 }, random)).toBe(1000);
  });
});
