import { describe, expect, test } from "bun:test";
import type { DriverUnderTest } from "./setup.ts";
import {
  ack,
  enqueue,
  extend,
  ids,
  LEASE_MS,
  later,
  NOW,
  present,
  reserve,
  running,
  stored,
} from "./setup.ts";

export function describeRecovery(current: DriverUnderTest): void {
  const request = { queue: "default", workerId: "w2", leaseMs: LEASE_MS, limit: 10 };

  describe("recovery", () => {
    test("an expired lease is recovered by the next claim and the job runs at once", async () => {
      const lost = await running(current());
      const reservation = await current().reserve(request, { now: later(LEASE_MS) });
      expect(reservation.recovered).toEqual({ requeued: 1, dead: 0 });
      expect(ids(reservation.jobs)).toEqual([lost.jobId]);
      expect(await stored(current(), lost.jobId)).toMatchObject({
        recoveries: 1,
        attempts: 0,
        leaseGeneration: 2,
        lockedBy: "w2",
      });
    });

    test("writes of a holder are rejected after the end of its lease", async () => {
      const zombie = await running(current());
      const [holder] = await reserve(current(), later(LEASE_MS), { workerId: "w2" });
      const before = await stored(current(), zombie.jobId);
      const now = later(LEASE_MS + 1);
      await expect(ack(current(), zombie, now)).rejects.toMatchObject({ code: "JOB_LEASE_MISMATCH" });
      await expect(extend(current(), zombie, now)).rejects.toMatchObject({ code: "JOB_LEASE_MISMATCH" });
      await expect(current().retry(zombie, { error: "x" }, { now })).rejects.toMatchObject({
        code: "JOB_LEASE_MISMATCH",
      });
      await current().release([zombie], { now });
      expect(await stored(current(), zombie.jobId)).toEqual(before);
      await ack(current(), present(holder), now);
    });

    test("a recovery in any queue happens before a claim in another", async () => {
      const lost = await running(current(), { queue: "other" });
      const reservation = await current().reserve(request, { now: later(LEASE_MS) });
      expect(reservation.recovered.requeued).toBe(1);
      expect(await stored(current(), lost.jobId)).toMatchObject({
        status: "queued",
        runAt: null,
        leaseToken: null,
        leaseExpiresAt: null,
        lockedBy: null,
      });
    });

    test("a job that loses its lease too often becomes a dead letter", async () => {
      const { jobId } = await running(current());
      for (let loss = 1; loss <= 5; loss += 1) {
        expect(ids(await reserve(current(), later(loss * LEASE_MS)))).toEqual([jobId]);
      }
      const last = await current().reserve(request, { now: later(6 * LEASE_MS) });
      expect(last).toMatchObject({ jobs: [], recovered: { requeued: 0, dead: 1 } });
      expect(await stored(current(), jobId)).toMatchObject({
        status: "failed",
        failureKind: "lease_expired",
        dlqReason: "lease_expired",
        recoveries: 6,
        attempts: 0,
      });
    });

    test("the limit of lost leases can be set", async () => {
      const { jobId } = await running(current());
      await current().reserve({ ...request, maxRecoveries: 0 }, { now: later(LEASE_MS) });
      expect((await stored(current(), jobId)).status).toBe("failed");
    });

    test("a replayed dead letter may lose as many leases again", async () => {
      const { jobId } = await running(current());
      await current().reserve({ ...request, maxRecoveries: 0 }, { now: later(LEASE_MS) });
      await current().requeue({ ids: [jobId] }, { now: later(LEASE_MS) });
      expect(await stored(current(), jobId)).toMatchObject({ status: "queued", recoveries: 0 });
    });

    test("a heartbeat keeps a long job from being recovered", async () => {
      const lease = await running(current());
      for (let beat = 1; beat <= 5; beat += 1) await extend(current(), lease, later(beat * 20_000));
      const reservation = await current().reserve(request, { now: later(100_001) });
      expect(reservation).toEqual({ jobs: [], recovered: { requeued: 0, dead: 0 } });
    });

    test("a recovered job keeps its priority and runs before later ones", async () => {
      const lost = await running(current());
      const later1 = await enqueue(current());
      const urgent = await enqueue(current(), { priority: -1 });
      expect(ids(await reserve(current(), later(LEASE_MS)))).toEqual([urgent, lost.jobId, later1]);
    });

    test("the waiting time of a job starts when it becomes runnable", async () => {
      await enqueue(current(), {}, NOW);
      await enqueue(current(), { runAt: later(400) });
      const claimed = await reserve(current(), later(1000));
      expect(claimed.map(({ waitedMs }) => waitedMs)).toEqual([1000, 600]);
    });
  });
}
