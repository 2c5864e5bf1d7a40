import { describe, expect, test } from "bun:test";
import type { NewJob } from "../contract/driver.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, ids, LEASE_MS, later, NOW, reserve, running, stored } from "./setup.ts";

export function describeJobChanges(current: DriverUnderTest): void {
  async function bury(fields: Partial<NewJob> = {}) {
    const lease = await running(current(), fields);
    await current().fail(lease, { error: "boom", kind: "unrecoverable" }, { now: NOW });
    return lease.jobId;
  }
  const reserveOne = (id: string) =>
    current().reserveOne(id, { workerId: "hand", leaseMs: LEASE_MS }, { now: NOW });
  const statusOf = async (id: string) => (await stored(current(), id)).status;

  describe("cancelAll", () => {
    test("cancels queued and running jobs and ignores ended ones", async () => {
      const dead = await bury();
      const lease = await running(current());
      const queued = await enqueue(current(), { delayMs: 5 });
      const other = await enqueue(current(), { type: "other" });
      const cancelled = await current().cancelAll({ type: "test" }, "enough", { now: NOW });
      expect(cancelled.sort()).toEqual([lease.jobId, queued].sort());
      expect(await stored(current(), lease.jobId)).toMatchObject({
        status: "failed",
        failureKind: "cancelled",
        lastError: "enough",
        leaseToken: null,
        lockedBy: null,
      });
      await expect(ack(current(), lease)).rejects.toMatchObject({ code: "JOB_NOT_INFLIGHT" });
      expect((await stored(current(), dead)).failureKind).toBe("unrecoverable");
      expect(await statusOf(other)).toBe("queued");
    });

    test("a cancelled job frees its concurrency key", async () => {
      await running(current(), { concurrencyKey: "k" });
      const next = await enqueue(current(), { concurrencyKey: "k" });
      await current().cancelAll({ states: ["running"] }, "no", { now: NOW });
      expect(ids(await reserve(current()))).toEqual([next]);
    });
  });

  describe("requeue", () => {
    test("requeues dead letters, and cancelled jobs only if the filter includes them", async () => {
      const dead = await bury();
      const cancelled = await enqueue(current());
      await current().cancel(cancelled, "no", { now: NOW });
      expect(await current().requeue({}, { now: NOW })).toBe(1);
      expect([await statusOf(dead), await statusOf(cancelled)]).toEqual(["queued", "failed"]);
      expect(await current().requeue({ states: ["cancelled"] }, { now: NOW })).toBe(1);
      expect(await stored(current(), cancelled)).toMatchObject({ status: "queued", failureKind: null });
    });

    test("requeues nothing for a state other than failed", async () => {
      const lease = await running(current());
      expect(await current().requeue({ states: ["running", "completed", "ready"] }, { now: NOW })).toBe(0);
      await ack(current(), lease);
    });
  });

  describe("reschedule", () => {
    test("runs a scheduled job now, and a ready job later", async () => {
      const scheduled = await enqueue(current(), { delayMs: 60_000 });
      const ready = await enqueue(current());
      expect(await current().reschedule(scheduled, { runAt: null }, { now: NOW })).toBe(true);
      expect(await current().reschedule(ready, { runAt: later(500) }, { now: NOW })).toBe(true);
      expect(ids(await reserve(current()))).toEqual([scheduled]);
      expect(ids(await reserve(current(), later(500)))).toEqual([ready]);
    });

    test("moves a job with a higher priority ahead of others", async () => {
      const first = await enqueue(current());
      const urgent = await enqueue(current());
      expect(await current().reschedule(urgent, { priority: -5 }, { now: NOW })).toBe(true);
      expect(ids(await reserve(current(), NOW, { limit: 1 }))).toEqual([urgent]);
      expect(ids(await reserve(current(), NOW, { limit: 1 }))).toEqual([first]);
    });

    test("a job that is running, dead or unknown is not changed", async () => {
      const [lease, dead] = [await running(current()), await bury({ queue: "other" })];
      for (const id of [lease.jobId, dead, "99999"])
        expect(await current().reschedule(id, { runAt: null, priority: 3 }, { now: NOW })).toBe(false);
      expect((await stored(current(), lease.jobId)).priority).toBe(0);
    });
  });

  describe("reserveOne", () => {
    test("claims the job before others, before its time and in a paused queue", async () => {
      await enqueue(current());
      const id = await enqueue(current(), { delayMs: 60_000, payload: { n: 7 } });
      await current().pauseQueue("default", null, { now: NOW });
      const reserved = await reserveOne(id);
      expect(reserved).toMatchObject({ jobId: id, queue: "default", type: "test", payload: { n: 7 } });
      expect(await stored(current(), id)).toMatchObject({ status: "running", lockedBy: "hand" });
      if (reserved) await ack(current(), reserved);
      expect(await statusOf(id)).toBe("completed");
    });

    test("does not claim a running, ended or missing job", async () => {
      const lease = await running(current());
      const dead = await bury({ queue: "other" });
      for (const id of [lease.jobId, dead, "99999"]) expect(await reserveOne(id)).toBeUndefined();
      await ack(current(), lease);
      expect(await reserveOne(lease.jobId)).toBeUndefined();
    });

    test("neither claims nor reschedules a job that waits for an event", async () => {
      const lease = await running(current());
      await current().suspend(lease, [{ name: "a", event: { name: "a", key: "" } }], { now: NOW });
      expect(await reserveOne(lease.jobId)).toBeUndefined();
      expect(await current().reschedule(lease.jobId, { runAt: null }, { now: NOW })).toBe(false);
    });

    test("waits for the job's concurrency key, takes it and releases it", async () => {
      const holder = await running(current(), { concurrencyKey: "k" });
      const id = await enqueue(current(), { concurrencyKey: "k" });
      expect(await reserveOne(id)).toBeUndefined();
      await ack(current(), holder);
      const reserved = await reserveOne(id);
      expect(reserved?.jobId).toBe(id);
      const next = await enqueue(current(), { concurrencyKey: "k" });
      expect(await reserve(current())).toEqual([]);
      if (reserved) await ack(current(), reserved);
      expect(ids(await reserve(current()))).toEqual([next]);
    });
  });
}
