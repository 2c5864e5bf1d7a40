import { describe, expect, test } from "bun:test";
import type { DriverUnderTest } from "./setup.ts";
import { ack, ids, later, NOW, reserve, running, stored } from "./setup.ts";

export function describeRetries(current: DriverUnderTest): void {
  describe("retry and cancel", () => {
    test("a retry counts the attempt, keeps the error and clears the lease", async () => {
      const lease = await running(current());
      await current().retry(lease, { error: "boom", runAt: later(200) }, { now: later(1) });
      expect(await stored(current(), lease.jobId)).toMatchObject({
        status: "queued",
        attempts: 1,
        lastError: "boom",
        runAt: later(200),
        leaseToken: null,
        leaseExpiresAt: null,
        lockedBy: null,
        failedAt: null,
      });
      expect(await reserve(current(), later(199))).toEqual([]);
      expect(ids(await reserve(current(), later(200)))).toEqual([lease.jobId]);
    });

    for (const runAt of [null, 0, undefined] as const) {
      test(`a retry at ${runAt} is runnable now`, async () => {
        const lease = await running(current());
        await current().retry(lease, { error: "x", ...(runAt === undefined ? {} : { runAt }) }, { now: NOW });
        expect((await stored(current(), lease.jobId)).runAt).toBeNull();
        expect(ids(await reserve(current()))).toEqual([lease.jobId]);
      });
    }

    test("a retry after a delay counts from the store's clock", async () => {
      const lease = await running(current());
      await current().retry(lease, { error: "x", delayMs: 123.5 }, { now: later(10) });
      expect((await stored(current(), lease.jobId)).runAt).toBe(later(133.5));
    });

    test("attempts add up over retries and the done job keeps them", async () => {
      const first = await running(current());
      await current().retry(first, { error: "one" }, { now: NOW });
      const [second] = await reserve(current());
      expect(second?.attempts).toBe(1);
      if (second) await ack(current(), second);
      expect(await stored(current(), first.jobId)).toMatchObject({
        status: "completed",
        attempts: 1,
        leaseGeneration: 2,
      });
    });

    test("a queued job can be cancelled and never runs", async () => {
      const { jobId } = await running(current(), { queue: "other" });
      expect(await current().cancel(jobId, "not needed", { now: NOW })).toBe(true);
      expect(await stored(current(), jobId)).toMatchObject({
        status: "failed",
        failureKind: "cancelled",
        lastError: "not needed",
        dlqReason: null,
      });
      expect(await reserve(current(), later(1e6), { queue: "other" })).toEqual([]);
    });

    test("a cancelled running job refuses what its worker still writes", async () => {
      const lease = await running(current());
      await current().cancel(lease.jobId, "stop", { now: NOW });
      await expect(ack(current(), lease)).rejects.toMatchObject({ code: "JOB_NOT_INFLIGHT" });
      expect(await current().extend([lease], 1000, { now: NOW })).toHaveLength(1);
    });

    test("a job that is done or cancelled or unknown cannot be cancelled", async () => {
      const lease = await running(current());
      await ack(current(), lease);
      expect(await current().cancel(lease.jobId, "late", { now: NOW })).toBe(false);
      expect(await current().cancel("31337", "who", { now: NOW })).toBe(false);
      expect((await stored(current(), lease.jobId)).status).toBe("completed");
    });
  });
}
