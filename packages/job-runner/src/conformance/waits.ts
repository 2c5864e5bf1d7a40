import { describe, expect, test } from "bun:test";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, ids, LEASE_MS, later, NOW, present, reserve, running, stored } from "./setup.ts";

export function describeWaits(current: DriverUnderTest): void {
  async function woken(now: string) {
    const [lease] = await reserve(current(), now);
    return present(lease);
  }

  describe("sleeping", () => {
    test("a sleeping job is queued until its time, with no attempt counted and its lease gone", async () => {
      const lease = await running(current());
      expect(await current().suspend(lease, [{ name: "nap", forMs: 1000.5 }], { now: NOW })).toBe(1000.5);
      expect(await stored(current(), lease.jobId)).toMatchObject({
        status: "queued",
        runAt: later(1000.5),
        attempts: 0,
        recoveries: 0,
        leaseToken: null,
        lockedBy: null,
        lastError: null,
      });
      expect(await reserve(current(), later(1000.499))).toEqual([]);
      expect(ids(await reserve(current(), later(1000.5)))).toEqual([lease.jobId]);
    });

    test("a sleep ends at its time, and stays finished", async () => {
      const lease = await running(current());
      await current().suspend(lease, [{ name: "nap", until: later(1000) }], { now: NOW });
      const again = await woken(later(1000));
      const [nap] = await current().resumeSteps(again, { now: later(1000) });
      expect(nap).toMatchObject({ kind: "sleep", wakeAt: later(1000), finishedAt: later(1000), event: null });
      expect(await current().resumeSteps(again, { now: later(2000) })).toEqual([present(nap)]);
    });

    test("a job that suspends on a finished wait is runnable immediately", async () => {
      const lease = await running(current());
      await current().suspend(lease, [{ name: "nap", forMs: 5000 }], { now: NOW });
      const again = await woken(later(5000));
      expect(await current().suspend(again, [{ name: "nap", forMs: 9999 }], { now: later(5000) })).toBe(0);
      expect((await woken(later(5000))).jobId).toBe(lease.jobId);
    });

    test("a job that is resumed before the end of a wait keeps the first time", async () => {
      const lease = await running(current());
      const waits = [
        { name: "long", forMs: 5000 },
        { name: "short", forMs: 1000 },
      ];
      expect(await current().suspend(lease, waits, { now: NOW })).toBe(1000);
      const again = await woken(later(1000));
      const steps = await current().resumeSteps(again, { now: later(1000) });
      expect(steps.map(({ name, finishedAt }) => [name, finishedAt])).toEqual([
        ["long", null],
        ["short", later(1000)],
      ]);
      expect(await current().suspend(again, waits.slice(0, 1), { now: later(1000) })).toBe(4000);
      expect((await stored(current(), lease.jobId)).runAt).toBe(later(5000));
    });

    test("a sleeping job frees its concurrency key", async () => {
      const lease = await running(current(), { concurrencyKey: "k" });
      const next = await enqueue(current(), { concurrencyKey: "k" });
      await current().suspend(lease, [{ name: "nap", forMs: 1e6 }], { now: NOW });
      expect(ids(await reserve(current()))).toEqual([next]);
    });

    test("a suspended job can be cancelled, and a lost lease cannot suspend", async () => {
      const lease = await running(current());
      await current().suspend(lease, [{ name: "nap", forMs: 1000 }], { now: NOW });
      expect(await current().cancel(lease.jobId, "no", { now: NOW })).toBe(true);
      expect(await reserve(current(), later(2000))).toEqual([]);
      const zombie = await running(current());
      const [holder] = await reserve(current(), later(LEASE_MS));
      const suspend = current().suspend(zombie, [{ name: "nap", forMs: 1 }], { now: later(LEASE_MS) });
      await expect(suspend).rejects.toMatchObject({ code: "JOB_LEASE_MISMATCH" });
      expect(await current().stepsOf(zombie.jobId)).toEqual([]);
      await ack(current(), present(holder), later(LEASE_MS));
    });
  });
}
