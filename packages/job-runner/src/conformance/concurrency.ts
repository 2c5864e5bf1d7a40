import { describe, expect, test } from "bun:test";
import type { Driver, Lease } from "../contract/driver.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, ids, job, LEASE_MS, later, NOW, present, reserve, running } from "./setup.ts";

const ENDINGS: Record<string, (driver: Driver, lease: Lease) => Promise<unknown>> = {
  ends: (driver, lease) => ack(driver, lease),
  "is retried later": (driver, lease) => driver.retry(lease, { error: "x", delayMs: 1e9 }, { now: NOW }),
  fails: (driver, lease) => driver.fail(lease, { error: "x", kind: "unrecoverable" }, { now: NOW }),
  "is cancelled": (driver, lease) => driver.cancel(lease.jobId, "x", { now: NOW }),
};

export function describeConcurrency(current: DriverUnderTest): void {
  describe("concurrency keys", () => {
    test("two jobs of one key are not reserved together", async () => {
      const first = await enqueue(current(), { concurrencyKey: "k" });
      await enqueue(current(), { concurrencyKey: "k" });
      expect(ids(await reserve(current()))).toEqual([first]);
      expect(await reserve(current())).toEqual([]);
    });

    for (const [name, end] of Object.entries(ENDINGS)) {
      test(`the next job of a key starts when the first ${name}`, async () => {
        const first = await running(current(), { concurrencyKey: "k" });
        const next = await enqueue(current(), { concurrencyKey: "k" });
        expect(await reserve(current())).toEqual([]);
        await end(current(), first);
        expect(ids(await reserve(current()))).toEqual([next]);
      });
    }

    test("the next job of a key starts when the first is released, in order", async () => {
      const first = await running(current(), { concurrencyKey: "k" });
      const next = await enqueue(current(), { concurrencyKey: "k", priority: -1 });
      await current().release([first], { now: NOW });
      expect(ids(await reserve(current()))).toEqual([next]);
    });

    test("a lost lease frees its key to the recovered job or the next by order, never to both", async () => {
      const first = await running(current(), { concurrencyKey: "k" });
      await enqueue(current(), { concurrencyKey: "k" });
      expect(ids(await reserve(current(), later(LEASE_MS)))).toEqual([first.jobId]);
      expect(await reserve(current(), later(LEASE_MS))).toEqual([]);
    });

    test("other keys and jobs without a key pass a blocked key", async () => {
      await running(current(), { concurrencyKey: "a" });
      await enqueue(current(), { concurrencyKey: "a", priority: -1 });
      const free = await enqueue(current(), { concurrencyKey: "b" });
      const plain = await enqueue(current());
      expect(ids(await reserve(current()))).toEqual([free, plain]);
    });

    test("keyed and plain jobs are reserved in one order", async () => {
      const late = await enqueue(current(), { priority: 5 });
      const keyed = await enqueue(current(), { priority: 1, concurrencyKey: "k" });
      const plain = await enqueue(current(), { priority: 0 });
      expect(ids(await reserve(current(), NOW, { limit: 1 }))).toEqual([plain]);
      expect(ids(await reserve(current(), NOW, { limit: 1 }))).toEqual([keyed]);
      expect(ids(await reserve(current(), NOW, { limit: 1 }))).toEqual([late]);
    });

    test("a limit above one allows exactly this number of concurrent jobs", async () => {
      const limited = { concurrencyKey: "k", concurrencyLimit: 3 };
      await current().enqueue(
        Array.from({ length: 5 }, () => job(limited)),
        { now: NOW },
      );
      const claimed = await reserve(current());
      expect(claimed.length).toBe(3);
      expect(await reserve(current())).toEqual([]);
      await ack(current(), present(claimed[1]));
      expect((await reserve(current())).length).toBe(1);
      expect(await reserve(current())).toEqual([]);
    });

    test("a key counts across queues", async () => {
      await running(current(), { concurrencyKey: "k", queue: "one" });
      await enqueue(current(), { concurrencyKey: "k", queue: "two" });
      expect(await reserve(current(), NOW, { queue: "two" })).toEqual([]);
    });

    test("a scheduled job does not hold its key", async () => {
      await enqueue(current(), { concurrencyKey: "k", runAt: later(1000) });
      const ready = await enqueue(current(), { concurrencyKey: "k" });
      expect(ids(await reserve(current()))).toEqual([ready]);
    });

    test("a parked job of a key runs when it is due, in its order, and not before", async () => {
      const nap = await running(current(), { concurrencyKey: "a" });
      await current().suspend(nap, [{ name: "nap", forMs: 30 }], { now: NOW });
      const delayed = await enqueue(current(), { concurrencyKey: "b", delayMs: 10 });
      const ready = await enqueue(current(), { concurrencyKey: "c" }, later(20));
      expect(await reserve(current(), later(9))).toEqual([]);
      expect(ids(await reserve(current(), later(29)))).toEqual([delayed, ready]);
      expect(ids(await reserve(current(), later(30)))).toEqual([nap.jobId]);
    });

    test("a key whose jobs are all parked keeps no other key from running", async () => {
      const parked = Array.from({ length: 1200 }, (_, n) => job({ concurrencyKey: `k${n}`, delayMs: 1000 }));
      await current().enqueue(parked, { now: NOW });
      const ready = await enqueue(current(), { concurrencyKey: "z" });
      expect(ids(await reserve(current()))).toEqual([ready]);
      const due = new Set<string>();
      for (let round = 0; round < 10 && due.size < 1200; round += 1) {
        for (const id of ids(await reserve(current(), later(1000), { limit: 500 }))) due.add(id);
      }
      expect(due.size).toBe(1200);
    });

    test("a parked job that is cancelled, rescheduled or requeued takes no slot", async () => {
      const cancelled = await enqueue(current(), { concurrencyKey: "k", delayMs: 10 });
      const moved = await enqueue(current(), { concurrencyKey: "k", delayMs: 10 });
      const next = await enqueue(current(), { concurrencyKey: "k", delayMs: 20 });
      await current().cancel(cancelled, "x", { now: NOW });
      await current().reschedule(moved, { runAt: later(500) }, { now: NOW });
      expect(ids(await reserve(current(), later(20)))).toEqual([next]);
      expect(await reserve(current(), later(600))).toEqual([]);
    });

    test("jobs of one key with different limits each use their own limit at the start, and none passes the first", async () => {
      const wide = { concurrencyKey: "k", concurrencyLimit: 3 };
      const first = await enqueue(current(), wide);
      const narrow = await enqueue(current(), { concurrencyKey: "k", concurrencyLimit: 1 });
      await enqueue(current(), wide);
      const [lease, ...others] = await reserve(current());
      expect([lease?.jobId, others]).toEqual([first, []]);
      expect(await reserve(current())).toEqual([]);
      await ack(current(), present(lease));
      expect((await reserve(current()))[0]?.jobId).toBe(narrow);
    });

    test("a job with a high priority is the next of its busy key, also from another queue", async () => {
      const first = await running(current(), { concurrencyKey: "k" });
      const patient = await enqueue(current(), { concurrencyKey: "k" });
      const urgent = await enqueue(current(), { concurrencyKey: "k", priority: -1 });
      const elsewhere = await enqueue(current(), { concurrencyKey: "k", queue: "other" });
      expect(await reserve(current())).toEqual([]);
      expect(await reserve(current(), NOW, { queue: "other" })).toEqual([]);
      await ack(current(), first);
      const [second] = await reserve(current());
      expect(second?.jobId).toBe(urgent);
      await ack(current(), present(second));
      expect(ids(await reserve(current(), NOW, { queue: "other" }))).toEqual([elsewhere]);
      expect(await reserve(current())).toEqual([]);
      await current().cancel(elsewhere, "x", { now: NOW });
      expect(ids(await reserve(current()))).toEqual([patient]);
    });

    test("a job of an unknown type does not block other jobs of its key", async () => {
      const foreign = await enqueue(current(), { concurrencyKey: "k", type: "foreign" });
      const known = await enqueue(current(), { concurrencyKey: "k" });
      expect(ids(await reserve(current(), NOW, { types: ["test"] }))).toEqual([known]);
      await current().cancel(known, "x", { now: NOW });
      expect(ids(await reserve(current()))).toEqual([foreign]);
    });

    test("many workers on few keys never hold one key twice and finish every job", async () => {
      const keys = ["a", "b", "c"];
      const jobs = Array.from({ length: 90 }, (_, n) =>
        job({ payload: { k: n % 3 }, concurrencyKey: keys[n % 3] ?? "" }),
      );
      await current().enqueue(jobs, { now: NOW });
      const held = new Set<string>();
      let done = 0;
      const worker = async (workerId: string) => {
        for (let idle = 0; done < 90 && idle < 1000; idle += 1) {
          for (const reserved of await reserve(current(), NOW, { workerId, limit: 2 })) {
            const key = present(reserved.concurrencyKey ?? undefined);
            expect(held.has(key)).toBe(false);
            held.add(key);
            await Promise.resolve();
            held.delete(key);
            await ack(current(), reserved);
            done += 1;
            idle = 0;
          }
        }
      };
      await Promise.all(["w1", "w2", "w3", "w4", "w5"].map(worker));
      expect(done).toBe(90);
    });

    test("all waiting keys are reached, even if there are more than a claim checks", async () => {
      const jobs = Array.from({ length: 1200 }, (_, n) => job({ concurrencyKey: `key-${n}` }));
      await current().enqueue(jobs, { now: NOW });
      const seen = new Set<string>();
      for (let round = 0; round < 10 && seen.size < 1200; round += 1) {
        for (const id of ids(await reserve(current(), NOW, { limit: 400 }))) seen.add(id);
      }
      expect(seen.size).toBe(1200);
    });
  });
}
