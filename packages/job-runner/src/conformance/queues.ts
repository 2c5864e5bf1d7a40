import { describe, expect, test } from "bun:test";
import { type BoundedCount, COUNT_MAX, type QueueStats } from "../contract/admin-store.ts";
import type { DriverUnderTest } from "./setup.ts";
import {
  ack,
  enqueue,
  extend,
  ids,
  job,
  LEASE_MS,
  later,
  NOW,
  OTHER_TOKEN,
  present,
  reserve,
  running,
  stored,
} from "./setup.ts";

const exactly = (count: number): BoundedCount => ({ count, isCapped: false });

export function describeQueues(current: DriverUnderTest): void {
  async function statsOf(queue: string, now = NOW): Promise<QueueStats> {
    const stats = await current().queueStats([], { now });
    return present(stats.find((candidate) => candidate.queue === queue));
  }

  describe("a paused queue", () => {
    test("returns no jobs until it is resumed, and other queues continue", async () => {
      const id = await enqueue(current(), { queue: "mail" });
      const other = await enqueue(current());
      expect(await current().pauseQueue("mail", "provider is down", { now: NOW })).toBe(true);
      expect(await reserve(current(), NOW, { queue: "mail" })).toEqual([]);
      expect(ids(await reserve(current()))).toEqual([other]);
      expect(await current().resumeQueue("mail")).toBe(true);
      expect(ids(await reserve(current(), NOW, { queue: "mail" }))).toEqual([id]);
    });

    test("returns no job with a concurrency key", async () => {
      const id = await enqueue(current(), { concurrencyKey: "k" });
      await current().pauseQueue("default", null, { now: NOW });
      expect(await reserve(current())).toEqual([]);
      await current().resumeQueue("default");
      expect(ids(await reserve(current()))).toEqual([id]);
    });

    test("lets running jobs continue, and accepts new ones", async () => {
      const lease = await running(current());
      await current().pauseQueue("default", null, { now: NOW });
      await extend(current(), lease);
      await ack(current(), lease);
      expect((await stored(current(), await enqueue(current()))).status).toBe("queued");
    });

    test("rejects a hand-over and stores nothing", async () => {
      await current().pauseQueue("default", null, { now: NOW });
      const request = { workerId: "w9", leaseMs: LEASE_MS, token: OTHER_TOKEN };
      expect(await current().handOver(job(), request, { now: NOW })).toBeUndefined();
      expect(await current().list({}, { limit: 5 })).toEqual([]);
    });

    test("is paused once, and resumed once", async () => {
      expect(await current().pauseQueue("mail", "first", { now: NOW })).toBe(true);
      expect(await current().pauseQueue("mail", "second", { now: later(9) })).toBe(false);
      expect(await statsOf("mail")).toMatchObject({ pausedAt: NOW, pauseReason: "first" });
      expect(await current().resumeQueue("mail")).toBe(true);
      expect(await current().resumeQueue("mail")).toBe(false);
    });
  });

  describe("the state of queues", () => {
    test("a store without jobs has only the named queues", async () => {
      expect(await current().queueStats([], { now: NOW })).toEqual([]);
      const [only] = await current().queueStats(["mail"], { now: NOW });
      const none = exactly(0);
      expect(only).toEqual({
        queue: "mail",
        ready: none,
        scheduled: none,
        waiting: none,
        running: none,
        dead: none,
        oldestReadyMs: null,
        completedPerSecond: 0,
        pausedAt: null,
        pauseReason: null,
      });
    });

    test("jobs are counted by state, in each queue, with every priority and concurrency key", async () => {
      const dead = await running(current());
      await current().fail(dead, { error: "boom", kind: "unrecoverable" }, { now: NOW });
      await running(current());
      for (const priority of [-3, 0, 7]) {
        await enqueue(current(), { priority });
        await enqueue(current(), { priority, delayMs: 1000 });
        await enqueue(current(), { priority, delayMs: 1000, concurrencyKey: `k${priority}` });
      }
      await enqueue(current(), { concurrencyKey: "k" });
      await enqueue(current(), { queue: "mail" });
      expect(await statsOf("default")).toMatchObject({
        ready: exactly(4),
        scheduled: exactly(6),
        waiting: exactly(0),
        running: exactly(1),
        dead: exactly(1),
      });
      expect(await statsOf("default", later(1000))).toMatchObject({
        ready: exactly(10),
        scheduled: exactly(0),
      });
      expect(await statsOf("mail")).toMatchObject({
        ready: exactly(1),
        running: exactly(0),
        dead: exactly(0),
      });
      const names = (await current().queueStats(["zoo", "mail"], { now: NOW })).map(({ queue }) => queue);
      expect(names).toEqual(["default", "mail", "zoo"]);
    });

    test("the oldest ready job counts from when it became runnable", async () => {
      await enqueue(current(), { delayMs: 200 });
      expect((await statsOf("default")).oldestReadyMs).toBeNull();
      expect((await statsOf("default", later(700))).oldestReadyMs).toBe(500);
      await enqueue(current(), { priority: 5 }, later(50));
      expect((await statsOf("default", later(700))).oldestReadyMs).toBe(650);
      await enqueue(current(), { queue: "mail", concurrencyKey: "k" }, later(100));
      expect((await statsOf("mail", later(700))).oldestReadyMs).toBe(600);
    });

    test("the rate covers the last minute", async () => {
      for (let n = 0; n < 6; n += 1) await ack(current(), await running(current()));
      expect((await statsOf("default", later(1000))).completedPerSecond).toBeCloseTo(0.1, 5);
      const past = (await current().queueStats(["default"], { now: later(60_001) }))[0];
      expect(past?.completedPerSecond).toBe(0);
    });

    test("a count beyond its limit is marked as a lower bound", async () => {
      await current().enqueue(
        Array.from({ length: COUNT_MAX + 1 }, () => job({ payload: null })),
        { now: NOW },
      );
      expect((await statsOf("default")).ready).toEqual({ count: COUNT_MAX, isCapped: true });
    });
  });
}
