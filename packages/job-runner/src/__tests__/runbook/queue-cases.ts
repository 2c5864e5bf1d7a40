import { expect } from "bun:test";
import type { Cases } from "./page.ts";
import { claim, dead, nextClaimed, queued, running } from "./situations.ts";

/** What the runbook does to many jobs at once. */
export const queueCases: Cases = {
  "Dead letters by type and reason": [
    "counts them, and no cancelled job",
    async ({ driver, run }) => {
      await dead(driver, { type: "mail" });
      await dead(driver, { type: "mail" });
      await dead(driver, { type: "report" }, "unrecoverable");
      await driver.cancel(await queued(driver), "ordered twice");
      expect(await run()).toMatchObject([
        { type: "mail", failure_kind: "attempts_exhausted", error: "connection refused", jobs: "2" },
        { type: "report", failure_kind: "unrecoverable", jobs: "1" },
      ]);
    },
  ],
  "Put one dead letter back, with more attempts": [
    "makes it runnable, with as many attempts again",
    async ({ driver, sql, run }) => {
      const id = await dead(driver, { maxAttempts: 3 });
      await sql`UPDATE jobs SET attempts = 3, recoveries = 6 WHERE id = ${id}`;
      await run({ id });
      const expected = { status: "queued", attempts: 3, maxAttempts: 28, recoveries: 0, dlqReason: null };
      expect(await driver.get(id)).toMatchObject(expected);
      expect(await nextClaimed(driver)).toEqual([id]);
    },
  ],
  "Put back the dead letters of a type": [
    "leaves other types and cancelled jobs alone",
    async ({ driver, run }) => {
      const mails = [await dead(driver, { type: "mail" }), await dead(driver, { type: "mail" })];
      const report = await dead(driver, { type: "report" });
      const cancelled = await queued(driver, { type: "mail" });
      await driver.cancel(cancelled, "ordered twice");
      await run({ type: "mail" });
      expect((await nextClaimed(driver)).sort()).toEqual(mails.sort());
      expect((await driver.get(report))?.status).toBe("failed");
      expect((await driver.get(cancelled))?.failureKind).toBe("cancelled");
    },
  ],
  "Delete old failed jobs": [
    "deletes a thousand at a time, and nothing that is younger, queued or running",
    async ({ driver, sql, run }) => {
      const kept = [await dead(driver), await queued(driver), (await running(driver)).jobId];
      await sql`UPDATE jobs SET failed_at = now() - interval '89 days' WHERE id = ${kept[0] ?? ""}`;
      await sql`INSERT INTO jobs (type, status, failed_at, failure_kind)
        SELECT 'old', 'failed', now() - interval '91 days', 'cancelled' FROM generate_series(1, 1001)`;
      const left = async () => (await sql`SELECT id FROM jobs ORDER BY id`).map((row) => row["id"]);
      await run();
      expect(await left()).toHaveLength(kept.length + 1);
      await run();
      expect(await left()).toEqual(kept);
    },
  ],
  "Concurrency keys in use, with their waiting jobs": [
    "counts what could run if the key were free",
    async ({ driver, run }) => {
      const { jobId } = await running(driver, { concurrencyKey: "k" });
      for (const fields of [{}, {}, { runAt: "2999-01-01T00:00:00Z" }]) {
        await queued(driver, { concurrencyKey: "k", ...fields });
      }
      expect(await run()).toMatchObject([{ key: "k", job_id: jobId, waiting: "2" }]);
    },
  ],
  "Pause a queue": [
    "stops claims from it alone, and may be repeated",
    async ({ driver, run }) => {
      const elsewhere = await queued(driver, { queue: "other" });
      await queued(driver);
      await run({ queue: "default" });
      await run({ queue: "default" });
      expect(await claim(driver)).toEqual([]);
      const other = await driver.reserve({ queue: "other", workerId: "w1", leaseMs: 1000, limit: 1 });
      expect(other.jobs.map(({ jobId }) => jobId)).toEqual([elsewhere]);
    },
  ],
  "Paused queues": [
    "shows the time and the reason",
    async ({ driver, run }) => {
      expect(await run()).toEqual([]);
      await driver.pauseQueue("default", "the mail service is down");
      expect(await run()).toMatchObject([{ queue: "default", reason: "the mail service is down" }]);
    },
  ],
  "Resume a queue": [
    "lets its jobs be claimed again",
    async ({ driver, run }) => {
      const id = await queued(driver);
      await driver.pauseQueue("default", null);
      expect(await claim(driver)).toEqual([]);
      await run({ queue: "default" });
      expect(await nextClaimed(driver)).toEqual([id]);
    },
  ],
  "Running jobs by queue": [
    "counts by queue, and is empty when nothing does",
    async ({ driver, run }) => {
      await queued(driver);
      expect(await run()).toEqual([]);
      await claim(driver);
      expect(await run()).toMatchObject([{ queue: "default", running: "1" }]);
    },
  ],
};
