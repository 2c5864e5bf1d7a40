import { describe, expect, test } from "bun:test";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, ids, job, later, NOW, reserve, running, stored } from "./setup.ts";

const keyed = (fields: object = {}) => ({ replaceKey: "doc-7", ...fields });

export function describeReplace(current: DriverUnderTest): void {
  async function put(fields: object, now = NOW) {
    const [enqueued] = await current().enqueue([job(keyed(fields))], { now });
    return enqueued;
  }

  describe("replace keys", () => {
    test("the newest input replaces that of the waiting job and keeps its id", async () => {
      const first = await put({ payload: { v: 1 }, priority: 3 });
      expect(first?.existed).toBe(false);
      expect(await put({ payload: { v: 2 } })).toEqual({ id: first?.id ?? "", existed: true });
      const [reserved, ...others] = await reserve(current());
      expect(reserved).toMatchObject({ jobId: first?.id, payload: { v: 2 } });
      expect(others).toEqual([]);
      expect((await stored(current(), first?.id ?? "")).priority).toBe(0);
    });

    test("each replacement delays the job again, so that it runs after a time without replacements", async () => {
      await put({ delayMs: 100 });
      await put({ delayMs: 100 }, later(60));
      expect(await reserve(current(), later(159))).toEqual([]);
      expect(await reserve(current(), later(160))).toHaveLength(1);
    });

    test("a replacement with keepRunAt keeps the first time", async () => {
      await put({ delayMs: 100 });
      await put({ delayMs: 100, keepsRunAt: true, payload: { v: 2 } }, later(60));
      expect(await reserve(current(), later(100))).toMatchObject([{ payload: { v: 2 } }]);
    });

    test("another key, type or queue, or no key, makes another job", async () => {
      await put({});
      for (const fields of [{ replaceKey: "doc-8" }, { type: "other" }, { queue: "mail" }]) {
        expect((await put(fields))?.existed).toBe(false);
      }
      await enqueue(current());
      expect(await current().list({}, { limit: 9 })).toHaveLength(5);
    });

    test("a job that runs, has run or has ended is not replaced", async () => {
      const lease = await running(current(), keyed());
      expect((await put({}))?.existed).toBe(false);
      await current().retry(lease, { error: "x" }, { now: NOW });
      await current().cancelAll({ states: ["ready"] }, "x", { now: NOW });
      expect((await put({}))?.existed).toBe(false);
      const [next] = await reserve(current());
      if (next !== undefined) await ack(current(), next);
      expect((await put({}))?.existed).toBe(false);
    });

    test("a job that slept is not replaced, because its steps belong to its input", async () => {
      const lease = await running(current(), keyed());
      await current().suspend(lease, [{ name: "nap", forMs: 5 }], { now: NOW });
      expect((await put({}))?.existed).toBe(false);
    });

    test("a released job that never started is replaced", async () => {
      const lease = await running(current(), keyed());
      await current().release([lease], { now: NOW });
      expect(await put({ payload: 2 })).toEqual({ id: lease.jobId, existed: true });
    });

    test("the replacement's concurrency key and limit apply", async () => {
      await running(current(), { concurrencyKey: "busy" });
      await put({ concurrencyKey: "busy" });
      expect(await reserve(current())).toEqual([]);
      const moved = await put({ concurrencyKey: "free" });
      expect(ids(await reserve(current()))).toEqual([moved?.id ?? ""]);
    });

    test("concurrent callers leave one job, and one call may contain several jobs", async () => {
      const calls = Array.from({ length: 20 }, (_, n) =>
        current().enqueue(
          [job(keyed({ payload: n })), job(), job(keyed({ payload: n, replaceKey: "doc-8" }))],
          { now: NOW },
        ),
      );
      const all = await Promise.all(calls);
      expect(new Set(all.map(([first]) => first?.id)).size).toBe(1);
      expect(new Set(all.map(([, second]) => second?.id)).size).toBe(20);
      expect(new Set(all.map(([, , third]) => third?.id)).size).toBe(1);
      expect(all.flat().filter(({ existed }) => !existed)).toHaveLength(22);
    });
  });
}
