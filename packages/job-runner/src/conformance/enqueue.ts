import { describe, expect, test } from "bun:test";
import type { DriverUnderTest } from "./setup.ts";
import { enqueue, ids, job, later, NOW, reserve, stored } from "./setup.ts";

export function describeEnqueue(current: DriverUnderTest): void {
  describe("enqueue and schedule", () => {
    test("a job without a time is runnable now and its run_at is null", async () => {
      const id = await enqueue(current(), { payload: { a: [1, "ü", null] } });
      const record = await stored(current(), id);
      expect(record).toMatchObject({ id, status: "queued", runAt: null, attempts: 0, maxAttempts: 25 });
      expect(record.payload).toEqual({ a: [1, "ü", null] });
      expect(record.createdAt).toBe(NOW);
      expect(ids(await reserve(current()))).toEqual([id]);
    });

    test("every enqueue without a key makes a new job", async () => {
      const first = await enqueue(current());
      expect(await enqueue(current())).not.toBe(first);
    });

    test("a scheduled job keeps its microseconds and is not reserved one microsecond before its time", async () => {
      const id = await enqueue(current(), { runAt: later(1000.001) });
      expect((await stored(current(), id)).runAt).toBe(later(1000.001));
      expect(await reserve(current(), later(1000))).toEqual([]);
      expect(ids(await reserve(current(), later(1000.001)))).toEqual([id]);
    });

    test("a time in the past means runnable now", async () => {
      const id = await enqueue(current(), { runAt: later(-5000) });
      expect((await stored(current(), id)).runAt).toBeNull();
      expect(ids(await reserve(current()))).toEqual([id]);
    });

    test("a delay counts from the enqueue", async () => {
      const id = await enqueue(current(), { delayMs: 250 });
      expect((await stored(current(), id)).runAt).toBe(later(250));
      expect(await reserve(current(), later(249))).toEqual([]);
      expect(ids(await reserve(current(), later(250)))).toEqual([id]);
    });

    test("a job that is runnable now is not sorted behind one that was scheduled for later", async () => {
      const scheduled = await enqueue(current(), { runAt: later(10) });
      const ready = await enqueue(current());
      expect(ids(await reserve(current(), later(30)))).toEqual([ready, scheduled]);
    });

    test("smaller priorities go first, then the order of arrival", async () => {
      const low = await enqueue(current(), { priority: 10 });
      const first = await enqueue(current(), { priority: 0 });
      const second = await enqueue(current(), { priority: 0 });
      const urgent = await enqueue(current(), { priority: -5 });
      expect(ids(await reserve(current()))).toEqual([urgent, first, second, low]);
    });

    test("a queue sees its own jobs alone", async () => {
      const mail = await enqueue(current(), { queue: "mail" });
      const plain = await enqueue(current());
      expect(ids(await reserve(current(), NOW, { queue: "mail" }))).toEqual([mail]);
      expect(ids(await reserve(current()))).toEqual([plain]);
    });

    test("a bulk enqueue returns the ids in the order of its input", async () => {
      const jobs = Array.from({ length: 200 }, (_, n) => job({ payload: { n } }));
      const enqueued = await current().enqueue(jobs, { now: NOW });
      const records = await Promise.all(enqueued.map(({ id }) => stored(current(), id)));
      expect(records.map((record) => record.payload)).toEqual(jobs.map((_, n) => ({ n })));
      expect(new Set(enqueued.map(({ id }) => id)).size).toBe(200);
    });

    test("a bulk enqueue of nothing stores nothing", async () => {
      expect(await current().enqueue([], { now: NOW })).toEqual([]);
      expect(await reserve(current())).toEqual([]);
    });

    test("an unknown job is not found", async () => {
      expect(await current().get("999999999")).toBeUndefined();
    });

    test("an invalid time is refused and stores nothing", async () => {
      await expect(current().enqueue([job({ runAt: "soon" })])).rejects.toMatchObject({
        code: "JOB_OPTION_INVALID",
      });
      expect(await reserve(current())).toEqual([]);
    });
  });
}
