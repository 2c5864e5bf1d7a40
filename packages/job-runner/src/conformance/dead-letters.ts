import { describe, expect, test } from "bun:test";
import type { NewJob } from "../contract/driver.ts";
import type { DriverUnderTest } from "./setup.ts";
import { enqueue, ids, later, NOW, reserve, running, stored } from "./setup.ts";

export function describeDeadLetters(current: DriverUnderTest): void {
  async function bury(fields: Partial<NewJob> = {}) {
    const lease = await running(current(), fields);
    await current().fail(lease, { error: "boom", kind: "attempts_exhausted" }, { now: later(3) });
    return lease.jobId;
  }

  describe("dead letters", () => {
    test("a failed job carries its reason, time, error and counted attempt", async () => {
      const id = await bury();
      expect(await stored(current(), id)).toMatchObject({
        status: "failed",
        failureKind: "attempts_exhausted",
        lastError: "boom",
        dlqReason: "boom",
        dlqFailedAt: later(3),
        failedAt: later(3),
        attempts: 1,
        leaseToken: null,
      });
      expect(await reserve(current(), later(1e6))).toEqual([]);
    });

    test("dead letters are listed oldest first, by page", async () => {
      const all = [await bury(), await bury(), await bury()];
      await enqueue(current());
      const page = await current().deadLetters({}, { limit: 2 });
      expect(page.map(({ id }) => id)).toEqual(all.slice(0, 2));
      const rest = await current().deadLetters({}, { limit: 2, after: page[1]?.id ?? "" });
      expect(rest.map(({ id }) => id)).toEqual(all.slice(2));
    });

    test("a cancelled job is no dead letter", async () => {
      await current().cancel(await enqueue(current()), "no", { now: NOW });
      expect(await current().deadLetters({}, { limit: 10 })).toEqual([]);
    });

    test("one dead letter is replayed with its attempts at zero", async () => {
      const [id, other] = [await bury(), await bury()];
      expect(await current().requeue({ ids: [id] }, { now: later(5) })).toBe(1);
      expect(await stored(current(), id)).toMatchObject({
        status: "queued",
        attempts: 0,
        failureKind: null,
        failedAt: null,
        dlqReason: null,
        dlqFailedAt: null,
        runAt: null,
      });
      expect(ids(await reserve(current(), later(5)))).toEqual([id]);
      expect((await stored(current(), other)).status).toBe("failed");
    });

    test("a replay may keep the attempts", async () => {
      const id = await bury();
      await current().requeue({ ids: [id] }, { keepAttempts: true, now: NOW });
      expect((await stored(current(), id)).attempts).toBe(1);
    });

    test("dead letters are replayed by queue and type", async () => {
      const wanted = await bury({ queue: "mail", type: "welcome" });
      const otherType = await bury({ queue: "mail", type: "bill" });
      const otherQueue = await bury({ type: "welcome" });
      expect(await current().requeue({ queue: "mail", type: "welcome" }, { now: NOW })).toBe(1);
      const states = await Promise.all([wanted, otherType, otherQueue].map((id) => stored(current(), id)));
      expect(states.map(({ status }) => status)).toEqual(["queued", "failed", "failed"]);
    });

    test("a replay of another job does nothing", async () => {
      const id = await enqueue(current());
      expect(await current().requeue({ ids: [id, "555"] }, { now: NOW })).toBe(0);
      expect((await stored(current(), id)).status).toBe("queued");
    });
  });
}
