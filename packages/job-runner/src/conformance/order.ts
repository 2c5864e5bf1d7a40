import { describe, expect, test } from "bun:test";
import type { Driver } from "../contract/driver.ts";
import type { DriverUnderTest } from "./setup.ts";
import { enqueue, ids, json, LEASE_MS, later, NOW, reserve, running } from "./setup.ts";

/** Each makes a job that is due at 20 ms, and no sooner; returns its id. */
const DUE_AT_20: Record<string, (driver: Driver) => Promise<string>> = {
  "a ready job": (driver) => enqueue(driver, {}, later(20)),
  "a ready job with a concurrency key": (driver) => enqueue(driver, { concurrencyKey: "k" }, later(20)),
  "a delayed job": (driver) => enqueue(driver, { delayMs: 20 }),
  "a delayed job with a concurrency key": (driver) => enqueue(driver, { delayMs: 20, concurrencyKey: "k" }),
  "a job for an instant that has passed": (driver) => enqueue(driver, { runAt: NOW }, later(20)),
  "a retry after a delay": async (driver) => {
    const lease = await running(driver);
    await driver.retry(lease, { error: "x", delayMs: 15 }, { now: later(5) });
    return lease.jobId;
  },
  "a retry at once": async (driver) => {
    const lease = await running(driver);
    await driver.retry(lease, { error: "x" }, { now: later(20) });
    return lease.jobId;
  },
  "a retry at an instant that has passed": async (driver) => {
    const lease = await running(driver);
    await driver.retry(lease, { error: "x", runAt: NOW }, { now: later(20) });
    return lease.jobId;
  },
  "a sleep": async (driver) => {
    const lease = await running(driver);
    await driver.suspend(lease, [{ name: "nap", forMs: 20 }], { now: NOW });
    return lease.jobId;
  },
  "a job that an event wakes": async (driver) => {
    const lease = await running(driver);
    await driver.suspend(lease, [{ name: "paid", event: { name: "paid", key: "" } }], { now: NOW });
    await driver.storeEvent({ name: "paid", key: "", payload: json(1) }, { now: later(20) });
    await driver.deliverEvents({ now: later(20) });
    return lease.jobId;
  },
  "a dead letter that is put back": async (driver) => {
    const lease = await running(driver);
    await driver.fail(lease, { error: "x", kind: "unrecoverable" }, { now: NOW });
    await driver.requeue({}, { now: later(20) });
    return lease.jobId;
  },
  "a job that is moved to now": async (driver) => {
    const id = await enqueue(driver, { delayMs: 1e6 });
    await driver.reschedule(id, { runAt: null }, { now: later(20) });
    return id;
  },
};

/** Each takes a job from its worker, runnable at once. */
const TAKEN_BACK: Record<string, (driver: Driver, id: string) => Promise<unknown>> = {
  released: async (driver, id) => {
    const jobs = await reserve(driver, later(40), { limit: 1 });
    expect(ids(jobs)).toEqual([id]);
    await driver.release(jobs, { now: later(41) });
  },
  "recovered from a lost lease": async (driver, id) => {
    const jobs = await reserve(driver, later(40 - LEASE_MS), { limit: 1 });
    expect(ids(jobs)).toEqual([id]);
  },
};

export function describeOrder(current: DriverUnderTest): void {
  describe("the order within a priority", () => {
    for (const [name, dueAt20] of Object.entries(DUE_AT_20)) {
      test(`${name} runs after jobs that were due earlier and before jobs that are due later`, async () => {
        const id = await dueAt20(current());
        const younger = await enqueue(current(), {}, later(21));
        const older = await enqueue(current(), {}, later(19));
        expect(ids(await reserve(current(), later(19)))).toEqual([older]);
        await current().release([{ jobId: older, token: await tokenOf(older) }], { now: later(19) });
        expect(ids(await reserve(current(), later(50)))).toEqual([older, id, younger]);
      });
    }

    for (const [name, takeBack] of Object.entries(TAKEN_BACK)) {
      test(`a job that is ${name} keeps its place`, async () => {
        const id = await enqueue(current(), {}, later(-LEASE_MS));
        const younger = await enqueue(current(), {}, later(10));
        await takeBack(current(), id);
        expect(ids(await reserve(current(), later(50)))).toEqual([id, younger]);
      });
    }

    test("of jobs that are due at the same time the first enqueued runs first", async () => {
      const all = [await enqueue(current()), await enqueue(current()), await enqueue(current())];
      expect(ids(await reserve(current()))).toEqual(all);
    });

    test("a due retry runs even if the queue is never empty", async () => {
      const lease = await running(current());
      await current().retry(lease, { error: "x", delayMs: 5 }, { now: NOW });
      for (let ms = 1; ms <= 10; ms += 1) await enqueue(current(), {}, later(ms));
      const first = await reserve(current(), later(11), { limit: 5 });
      expect(ids(first)).toContain(lease.jobId);
    });

    test("a smaller priority runs first, also before jobs that were due earlier", async () => {
      const older = await enqueue(current(), { delayMs: 1 });
      const urgent = await enqueue(current(), { priority: -1 }, later(10));
      expect(ids(await reserve(current(), later(10)))).toEqual([urgent, older]);
    });
  });

  async function tokenOf(jobId: string): Promise<string> {
    return (await current().get(jobId))?.leaseToken ?? "";
  }
}
