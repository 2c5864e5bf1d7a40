import { describe, expect, test } from "bun:test";
import { ATTEMPTS_KEPT_MAX } from "../contract/durable-store.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, LEASE_MS, later, NOW, present, reserve, running } from "./setup.ts";

export function describeAttempts(current: DriverUnderTest): void {
  describe("the history of a job's attempts", () => {
    test("a job that completes in its first run has this run, with worker and times", async () => {
      const lease = await running(current());
      const run = { attempt: 1, leaseGeneration: 1, workerId: "w1", startedAt: NOW, error: null };
      expect(await current().attemptsOf(lease.jobId)).toEqual([
        { ...run, endedAt: null, outcome: "running" },
      ]);
      await ack(current(), lease, later(5));
      expect(await current().attemptsOf(lease.jobId)).toEqual([
        { ...run, endedAt: later(5), outcome: "completed" },
      ]);
    });

    test("waiting, unknown and cancelled jobs that never ran have no runs", async () => {
      const id = await enqueue(current());
      expect(await current().attemptsOf(id)).toEqual([]);
      await current().cancel(id, "not needed", { now: NOW });
      expect(await current().attemptsOf(id)).toEqual([]);
      expect(await current().attemptsOf("999999999")).toEqual([]);
    });

    test("each failure is kept with its own worker, times and error", async () => {
      const first = await running(current(), { maxAttempts: 2 });
      await current().retry(first, { error: "busy" }, { now: later(1) });
      const [second] = await reserve(current(), later(2), { workerId: "w2" });
      await current().fail(
        present(second),
        { error: "gone\nfor good", kind: "attempts_exhausted" },
        { now: later(3) },
      );
      const failed = { outcome: "failed" };
      expect(await current().attemptsOf(first.jobId)).toMatchObject([
        { ...failed, attempt: 1, workerId: "w1", startedAt: NOW, endedAt: later(1), error: "busy" },
        {
          ...failed,
          attempt: 2,
          workerId: "w2",
          startedAt: later(2),
          endedAt: later(3),
          error: "gone\nfor good",
        },
      ]);
    });

    test("a rejected failure is not recorded", async () => {
      const lease = await running(current());
      const stale = { ...lease, token: "00000000-0000-4000-8000-000000000000" };
      await expect(current().retry(stale, { error: "x" }, { now: NOW })).rejects.toThrow();
      await expect(
        current().fail(stale, { error: "x", kind: "unrecoverable" }, { now: NOW }),
      ).rejects.toThrow();
      expect(await current().attemptsOf(lease.jobId)).toMatchObject([{ outcome: "running" }]);
    });

    test("a lost lease is no failure: the next run has the same number", async () => {
      const { jobId } = await running(current());
      await reserve(current(), later(LEASE_MS), { workerId: "w2" });
      expect(await current().attemptsOf(jobId)).toMatchObject([
        {
          attempt: 1,
          leaseGeneration: 1,
          workerId: "w1",
          endedAt: later(LEASE_MS),
          outcome: "lease_lost",
          error: null,
        },
        { attempt: 1, leaseGeneration: 2, workerId: "w2", startedAt: later(LEASE_MS), outcome: "running" },
      ]);
    });

    test("the last allowed lost lease is recorded as lost, not as failed", async () => {
      const { jobId } = await running(current());
      const request = { queue: "default", workerId: "w2", leaseMs: LEASE_MS, limit: 1, maxRecoveries: 0 };
      await current().reserve(request, { now: later(LEASE_MS) });
      expect(await current().attemptsOf(jobId)).toMatchObject([{ outcome: "lease_lost", error: null }]);
    });

    test("a cancelled run is recorded with the reason, for every way of cancelling", async () => {
      const one = await running(current());
      await current().cancel(one.jobId, "stop it", { now: later(1) });
      const other = await running(current(), {}, later(2));
      await current().cancelAll({ ids: [other.jobId] }, "stop all", { now: later(3) });
      const cancelled = { attempt: 1, outcome: "cancelled" };
      expect(await current().attemptsOf(one.jobId)).toMatchObject([{ ...cancelled, error: "stop it" }]);
      expect(await current().attemptsOf(other.jobId)).toMatchObject([{ ...cancelled, error: "stop all" }]);
    });

    test("a run that sleeps or was released is not an ended attempt", async () => {
      const lease = await running(current());
      await current().suspend(lease, [{ name: "nap", forMs: 10 }], { now: NOW });
      const [woken] = await reserve(current(), later(10));
      await current().release([present(woken)], { now: later(11) });
      const [again] = await reserve(current(), later(12));
      await ack(current(), present(again), later(13));
      expect(await current().attemptsOf(lease.jobId)).toMatchObject([
        { attempt: 1, leaseGeneration: 3, startedAt: later(12), outcome: "completed" },
      ]);
    });

    test("the history outlives a requeue of the dead letter", async () => {
      const lease = await running(current());
      await current().fail(lease, { error: "x", kind: "unrecoverable" }, { now: NOW });
      await current().requeue({ ids: [lease.jobId] }, { now: NOW });
      await ack(current(), present((await reserve(current()))[0]));
      expect(await current().attemptsOf(lease.jobId)).toMatchObject([
        { attempt: 1, leaseGeneration: 1, outcome: "failed" },
        { attempt: 1, leaseGeneration: 2, outcome: "completed" },
      ]);
    });

    test("only the newest runs of a job that keeps failing are kept", async () => {
      let lease = await running(current(), { maxAttempts: 1000 });
      for (let n = 1; n <= ATTEMPTS_KEPT_MAX + 2; n += 1) {
        await current().retry(lease, { error: `failure ${n}` }, { now: NOW });
        lease = present((await reserve(current()))[0]);
      }
      const attempts = await current().attemptsOf(lease.jobId);
      expect(attempts).toHaveLength(ATTEMPTS_KEPT_MAX + 1);
      expect(attempts[0]).toMatchObject({ attempt: 3, error: "failure 3" });
      expect(attempts.at(-1)).toMatchObject({ attempt: ATTEMPTS_KEPT_MAX + 3, outcome: "running" });
    });

    test("a concurrency key is free after every unsuccessful end", async () => {
      const key = { concurrencyKey: "k" };
      const lost = await running(current(), key);
      const [retried] = await reserve(current(), later(LEASE_MS));
      await current().retry(present(retried), { error: "x" }, { now: later(LEASE_MS) });
      const [cancelled] = await reserve(current(), later(LEASE_MS + 1));
      expect(present(cancelled).jobId).toBe(lost.jobId);
      await current().cancel(lost.jobId, "x", { now: later(LEASE_MS + 2) });
      const next = await running(current(), key, later(LEASE_MS + 3));
      await ack(current(), next, later(LEASE_MS + 4));
      expect((await current().attemptsOf(lost.jobId)).map(({ outcome }) => outcome)).toEqual([
        "lease_lost",
        "failed",
        "cancelled",
      ]);
    });
  });
}
