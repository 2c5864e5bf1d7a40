import { describe, expect, test } from "bun:test";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, ids, job, json, later, NOW, present, reserve, running, stored } from "./setup.ts";

const DAY_MS = 86_400_000;

export function describeIdempotency(current: DriverUnderTest): void {
  describe("idempotency keys", () => {
    test("a repeat returns the existing job and changes nothing", async () => {
      const keyed = job({ idempotencyKey: "k", payload: { v: 1 } });
      const [first] = await current().enqueue([keyed], { now: NOW });
      const before = await stored(current(), present(first).id);
      const [second] = await current().enqueue([{ ...keyed, payload: json({ v: 2 }), priority: 9 }], {
        now: later(5),
      });
      expect(first?.existed).toBe(false);
      expect(second).toEqual({ id: present(first).id, existed: true });
      expect(await stored(current(), present(first).id)).toEqual(before);
      expect((await reserve(current())).length).toBe(1);
    });

    test("the same key in another queue is another job", async () => {
      const here = await enqueue(current(), { idempotencyKey: "k" });
      const there = await enqueue(current(), { idempotencyKey: "k", queue: "other" });
      expect(there).not.toBe(here);
    });

    test("a repeat is known while the job runs and after it is done", async () => {
      const reserved = await running(current(), { idempotencyKey: "k" });
      expect(await enqueue(current(), { idempotencyKey: "k" })).toBe(reserved.jobId);
      await ack(current(), reserved);
      expect(await enqueue(current(), { idempotencyKey: "k" })).toBe(reserved.jobId);
      expect((await stored(current(), reserved.jobId)).status).toBe("completed");
      expect(await reserve(current())).toEqual([]);
    });

    test("twenty callers at once make one job", async () => {
      const calls = Array.from({ length: 20 }, () =>
        current().enqueue([job({ idempotencyKey: "race" })], { now: NOW }),
      );
      const enqueued = (await Promise.all(calls)).flat();
      expect(new Set(enqueued.map(({ id }) => id)).size).toBe(1);
      expect(enqueued.filter(({ existed }) => !existed).length).toBe(1);
      expect((await reserve(current())).length).toBe(1);
    });

    test("a repeat within one bulk call is recognized", async () => {
      const same = job({ idempotencyKey: "twice" });
      const enqueued = await current().enqueue([same, job(), same], { now: NOW });
      expect(enqueued.map(({ existed }) => existed)).toEqual([false, false, true]);
      expect(enqueued[2]?.id).toBe(present(enqueued[0]).id);
      expect(new Set(ids(await reserve(current()))).size).toBe(2);
    });

    test("bulk calls with the same keys in opposite order both finish", async () => {
      const forth = Array.from({ length: 50 }, (_, n) => job({ idempotencyKey: `k${n}` }));
      const calls = Array.from({ length: 8 }, (_, n) =>
        current().enqueue(n % 2 ? forth : forth.toReversed(), { now: NOW }),
      );
      const enqueued = (await Promise.all(calls)).flat();
      expect(enqueued.filter(({ existed }) => !existed).length).toBe(50);
      expect((await reserve(current(), NOW, { limit: 500 })).length).toBe(50);
    });

    test("a key is deleted after its retention, not before", async () => {
      const first = await enqueue(current(), { idempotencyKey: "old" });
      const retention = { archiveDays: 30, idempotencyKeyDays: 30 };
      await current().maintain(retention, { now: later(30 * DAY_MS) });
      expect(await enqueue(current(), { idempotencyKey: "old" })).toBe(first);
      await current().maintain(retention, { now: later(30 * DAY_MS + 1) });
      expect(await enqueue(current(), { idempotencyKey: "old" })).not.toBe(first);
    });
  });
}
