import { describe, expect, test } from "bun:test";
import type { Driver, Lease } from "../contract/driver.ts";
import type { Instant } from "../contract/instant.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, extend, LEASE_MS, later, NOW, OTHER_TOKEN, running, stored } from "./setup.ts";

type Operation = (driver: Driver, lease: Lease, now: Instant) => Promise<void>;

const OPERATIONS: Record<string, Operation> = {
  ack,
  extend,
  retry: (driver, lease, now) => driver.retry(lease, { error: "x" }, { now }),
  fail: (driver, lease, now) => driver.fail(lease, { error: "x", kind: "unrecoverable" }, { now }),
  suspend: async (driver, lease, now) => {
    await driver.suspend(lease, [{ name: "nap", forMs: 5 }], { now });
  },
  setProgress: (driver, lease, now) =>
    driver.setProgress(lease, { current: 1, total: null, message: null }, { now }),
};

export function describeLeaseErrors(current: DriverUnderTest): void {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    describe(`the error contract of ${name}`, () => {
      async function refusedWith(code: string, lease: Lease, now: Instant) {
        const before = await current().get(lease.jobId);
        await expect(operation(current(), lease, now)).rejects.toMatchObject({ code });
        expect(await current().get(lease.jobId)).toEqual(before);
      }

      test("a queued job is not in flight", async () => {
        const jobId = await enqueue(current());
        await refusedWith("JOB_NOT_INFLIGHT", { jobId, token: OTHER_TOKEN }, NOW);
      });

      test("an unknown job is not in flight", async () => {
        await refusedWith("JOB_NOT_INFLIGHT", { jobId: "987654321", token: OTHER_TOKEN }, NOW);
      });

      test("a lease that ended in this microsecond is expired, with any token", async () => {
        const lease = await running(current());
        await refusedWith("JOB_LEASE_EXPIRED", lease, later(LEASE_MS));
        await refusedWith("JOB_LEASE_EXPIRED", { ...lease, token: OTHER_TOKEN }, later(LEASE_MS));
      });

      test("a lease that holds under another token is a mismatch", async () => {
        const lease = await running(current());
        await refusedWith("JOB_LEASE_MISMATCH", { ...lease, token: OTHER_TOKEN }, NOW);
      });

      test("one microsecond before the expiry the lease holds", async () => {
        const lease = await running(current());
        await operation(current(), lease, later(LEASE_MS - 0.001));
        expect((await stored(current(), lease.jobId)).updatedAt).toBe(later(LEASE_MS - 0.001));
      });
    });
  }

  describe("outcomes that are repeated", () => {
    test("ack of a completed job succeeds with any token", async () => {
      const lease = await running(current());
      await ack(current(), lease);
      await ack(current(), lease, later(10 * LEASE_MS));
      await ack(current(), { ...lease, token: OTHER_TOKEN });
    });

    test("ack of a dead job is not in flight", async () => {
      const lease = await running(current());
      await current().fail(lease, { error: "x", kind: "unrecoverable" }, { now: NOW });
      await expect(ack(current(), lease)).rejects.toMatchObject({ code: "JOB_NOT_INFLIGHT" });
    });

    test("fail of a done or dead job succeeds and changes nothing", async () => {
      const done = await running(current());
      await ack(current(), done);
      const dead = await running(current());
      await current().fail(dead, { error: "first", kind: "unrecoverable" }, { now: NOW });
      for (const lease of [done, { ...dead, token: OTHER_TOKEN }]) {
        const before = await stored(current(), lease.jobId);
        await current().fail(lease, { error: "second", kind: "unrecoverable" }, { now: later(1) });
        expect(await stored(current(), lease.jobId)).toEqual(before);
      }
    });

    test("retry and extend of a done or dead job are not in flight", async () => {
      const done = await running(current());
      await ack(current(), done);
      const dead = await running(current());
      await current().fail(dead, { error: "x", kind: "unrecoverable" }, { now: NOW });
      for (const lease of [done, dead]) {
        const retry = current().retry(lease, { error: "x" }, { now: NOW });
        await expect(retry).rejects.toMatchObject({ code: "JOB_NOT_INFLIGHT" });
        await expect(extend(current(), lease)).rejects.toMatchObject({ code: "JOB_NOT_INFLIGHT" });
      }
    });
  });
}
