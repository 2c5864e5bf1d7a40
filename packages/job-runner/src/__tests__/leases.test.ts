import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { defineJob, type JobContext, type JobRecord } from "../index.ts";
import { anything, ended, fast, useRunners } from "./setup.ts";

const { database, runnerOf, started } = useRunners();

/** Longer than a busy machine keeps the event loop waiting. */
const LEASE_MS = 3000;

describe("leases", () => {
  async function untilAborted(ctx: JobContext) {
    await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
  }

  /** From the claim to the last heartbeat. */
  const heldMs = (job: JobRecord | undefined) =>
    Date.parse(job?.heartbeatAt ?? "") - Date.parse(job?.lockedAt ?? "");

  test("a long job keeps its lease by heartbeats", async () => {
    const { promise: enough, resolve: end } = Promise.withResolvers<void>();
    const long = defineJob({ name: "long", input: anything, run: () => enough });
    const runner = await started([long], { leaseMs: LEASE_MS });
    const { id } = await runner.enqueue(long, null);
    await until(async () => heldMs(await runner.get(id)) > LEASE_MS, {
      describe: "a heartbeat after the first lease",
    });
    end();
    await ended(runner, id, "completed");
    expect(await runner.get(id)).toMatchObject({ recoveries: 0, leaseGeneration: 1, attempts: 0 });
  });

  test("a timeout aborts the signal and is retried", async () => {
    const reasons: string[] = [];
    const slow = defineJob({
      name: "slow",
      input: anything,
      timeoutMs: 30,
      maxAttempts: 2,
      backoff: fast,
      run: (ctx) =>
        untilAborted(ctx).catch((error: Error) => {
          reasons.push(error.name);
          throw error;
        }),
    });
    const runner = await started([slow]);
    const { id } = await runner.enqueue(slow, null);
    await ended(runner, id, "failed");
    expect(reasons).toEqual(["JobTimeoutError", "JobTimeoutError"]);
    expect((await runner.get(id))?.attempts).toBe(2);
  });

  test("a cancel from another process aborts the running job and its outcome is refused", async () => {
    let reason = "";
    const waiting = defineJob({
      name: "waiting",
      input: anything,
      run: (ctx) =>
        untilAborted(ctx).catch((error: Error) => {
          reason = error.name;
        }),
    });
    const runner = await started([waiting]);
    const { id } = await runner.enqueue(waiting, null);
    await ended(runner, id, "running");
    expect(await runnerOf([]).cancel(id, "enough")).toBe(true);
    await until(() => reason !== "");
    expect(reason).toBe("JobCancelledError");
    expect(await runner.get(id)).toMatchObject({
      status: "failed",
      failureKind: "cancelled",
      lastError: "enough",
    });
  });

  test("a job requeued by an operator is aborted at the next heartbeat and runs again", async () => {
    let runs = 0;
    const stuck = defineJob({
      name: "stuck",
      input: anything,
      async run(ctx) {
        runs += 1;
        if (runs === 1) await untilAborted(ctx);
      },
    });
    const runner = await started([stuck], { leaseMs: 600, leaseMarginMs: 60 });
    const { id } = await runner.enqueue(stuck, null);
    await ended(runner, id, "running");
    await database.sql`UPDATE jobs SET status='queued', locked_at=NULL, locked_by=NULL WHERE id=${id}`;
    await ended(runner, id, "completed");
    expect(runs).toBe(2);
  });

  test("drain waits for running jobs and releases jobs that were not started", async () => {
    const work = defineJob({ name: "work", input: anything, run: () => Bun.sleep(50) });
    const runner = await started([work], { concurrency: 2 });
    const jobs = await runner.enqueueMany(
      work,
      Array.from({ length: 30 }, (_, input) => ({ input })),
    );
    await until(() => runner.stats().running === 2);
    await runner.drain(2000);
    const states = await database.sql<{ status: string; n: number }[]>`
      SELECT status, count(*)::integer AS n FROM all_jobs GROUP BY status ORDER BY status`;
    expect(states.map((row) => row.status)).toEqual(["completed", "queued"]);
    expect(states.reduce((sum, row) => sum + row.n, 0)).toBe(jobs.length);
    expect(
      await database.sql`SELECT id FROM jobs WHERE attempts > 0 OR lease_token IS NOT NULL`,
    ).toHaveLength(0);
  });

  test("a run that exceeds the drain is aborted and its job released without a failure", async () => {
    const endless = defineJob({ name: "endless", input: anything, run: untilAborted });
    const runner = await started([endless]);
    const { id } = await runner.enqueue(endless, null);
    await ended(runner, id, "running");
    await runner.drain(100);
    expect(await runner.get(id)).toMatchObject({ status: "queued", attempts: 0, leaseToken: null });
  });
});
