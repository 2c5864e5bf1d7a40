import { describe, expect, test } from "bun:test";
import type { DriverUnderTest } from "./setup.ts";
import {
  ack,
  enqueue,
  extend,
  ids,
  job,
  json,
  LEASE_MS,
  later,
  NOW,
  OTHER_TOKEN,
  present,
  reserve,
  running,
  stored,
} from "./setup.ts";

export function describeLeases(current: DriverUnderTest): void {
  describe("reserve and lease", () => {
    test("a claim sets token, expiry, heartbeat and holder", async () => {
      const { jobId, token } = await running(current());
      expect(await stored(current(), jobId)).toMatchObject({
        status: "running",
        leaseToken: token,
        leaseExpiresAt: later(LEASE_MS),
        heartbeatAt: NOW,
        lockedAt: NOW,
        lockedBy: "w1",
        leaseGeneration: 1,
        attempts: 0,
      });
    });

    test("a reserved job carries what the worker needs", async () => {
      const reserved = await running(current(), { payload: { x: "y" }, timeoutMs: 500, maxAttempts: 3 });
      expect(reserved).toMatchObject({ type: "test", payload: { x: "y" }, timeoutMs: 500, maxAttempts: 3 });
    });

    test("a leased job is not reserved again while the lease holds", async () => {
      await running(current());
      expect(await reserve(current(), later(LEASE_MS - 0.001))).toEqual([]);
    });

    test("each claim of a job has a token of its own", async () => {
      const first = await running(current());
      const [second] = await reserve(current(), later(LEASE_MS));
      expect(second?.jobId).toBe(first.jobId);
      expect(second?.token).not.toBe(first.token);
    });

    test("no more than the limit is reserved, in order", async () => {
      const all = (
        await current().enqueue(
          Array.from({ length: 5 }, () => job()),
          { now: NOW },
        )
      ).map(({ id }) => id);
      expect(ids(await reserve(current(), NOW, { limit: 2 }))).toEqual(all.slice(0, 2));
      expect(ids(await reserve(current(), NOW, { limit: 2 }))).toEqual(all.slice(2, 4));
      expect(ids(await reserve(current(), NOW, { limit: 2 }))).toEqual(all.slice(4));
    });

    test("a worker reserves only the types that it knows", async () => {
      const unknown = await enqueue(current(), { type: "unknown" });
      const known = await enqueue(current(), { type: 'kn"own\\' });
      expect(ids(await reserve(current(), NOW, { types: ['kn"own\\'] }))).toEqual([known]);
      expect((await stored(current(), unknown)).status).toBe("queued");
    });

    test("an empty queue returns no jobs", async () => {
      expect(await reserve(current(), NOW, { queue: "unused" })).toEqual([]);
    });

    test("two workers that claim at the same moment share no job and miss none", async () => {
      await current().enqueue(
        Array.from({ length: 300 }, () => job()),
        { now: NOW },
      );
      const seen: string[] = [];
      const worker = async (workerId: string) => {
        for (;;) {
          const jobs = await reserve(current(), NOW, { workerId, limit: 7 });
          if (jobs.length === 0) return;
          seen.push(...ids(jobs));
        }
      };
      await Promise.all(["a", "b", "c", "d"].map(worker));
      seen.push(...ids(await reserve(current(), NOW, { limit: 300 })));
      expect(seen.length).toBe(300);
      expect(new Set(seen).size).toBe(300);
    });

    test("of two workers that claim one job at the same moment one gets it", async () => {
      for (let round = 0; round < 20; round += 1) {
        const id = await enqueue(current());
        const claims = await Promise.all(
          ["a", "b", "c"].map((workerId) => reserve(current(), NOW, { workerId, limit: 1 })),
        );
        expect(claims.flatMap(ids)).toEqual([id]);
        expect((await stored(current(), id)).leaseToken).toBe(present(claims.flat()[0]).token);
      }
    });

    test("extend moves the expiry and the heartbeat", async () => {
      const lease = await running(current());
      await extend(current(), lease, later(10_000));
      expect(await stored(current(), lease.jobId)).toMatchObject({
        heartbeatAt: later(10_000),
        leaseExpiresAt: later(10_000 + LEASE_MS),
        lockedAt: NOW,
      });
      expect(await reserve(current(), later(LEASE_MS + 1))).toEqual([]);
    });

    test("extend returns the lost leases of a batch and extends the others", async () => {
      const kept = await running(current());
      const lost = { jobId: await enqueue(current()), token: OTHER_TOKEN };
      const refusals = await current().extend([kept, lost], LEASE_MS, { now: later(1) });
      expect(refusals.map(({ jobId }) => jobId)).toEqual([lost.jobId]);
      expect((await stored(current(), kept.jobId)).heartbeatAt).toBe(later(1));
    });

    test("ack completes the job with its output and clears the lease", async () => {
      const lease = await running(current());
      await ack(current(), { ...lease, output: json({ sum: 3 }) }, later(7));
      expect(await stored(current(), lease.jobId)).toMatchObject({
        status: "completed",
        output: { sum: 3 },
        leaseToken: null,
        leaseExpiresAt: null,
        completedAt: later(7),
        lockedBy: "w1",
      });
    });

    test("a done job is never reserved again", async () => {
      const lease = await running(current());
      await ack(current(), lease);
      expect(await reserve(current(), later(10 * LEASE_MS))).toEqual([]);
    });

    test("a batch of acks completes jobs with valid leases and returns the others", async () => {
      const good = await running(current());
      const alsoGood = await running(current());
      const refusals = await current().ack(
        [{ ...good, output: json("kept") }, alsoGood, { jobId: "424242", token: good.token }],
        { now: NOW },
      );
      expect(refusals.map(({ jobId, error }) => [jobId, error.code])).toEqual([
        ["424242", "JOB_NOT_INFLIGHT"],
      ]);
      expect((await stored(current(), good.jobId)).output).toBe("kept");
      expect((await stored(current(), alsoGood.jobId)).output).toBeNull();
    });

    test("a released job is runnable immediately, without a counted failure", async () => {
      const lease = await running(current());
      await current().release([lease], { now: later(1) });
      const record = await stored(current(), lease.jobId);
      expect(record).toMatchObject({
        status: "queued",
        runAt: null,
        attempts: 0,
        leaseToken: null,
        lockedBy: null,
      });
      expect(ids(await reserve(current(), later(1)))).toEqual([lease.jobId]);
    });

    test("releasing a lease of another worker changes nothing", async () => {
      const lease = await running(current());
      await current().release([{ ...lease, token: OTHER_TOKEN }], { now: NOW });
      expect((await stored(current(), lease.jobId)).leaseToken).toBe(lease.token);
    });

    test("a job handed over at its enqueue runs under the caller's token", async () => {
      const request = { workerId: "w9", leaseMs: LEASE_MS, token: OTHER_TOKEN };
      const reserved = present(await current().handOver(job({ payload: [1] }), request, { now: NOW }));
      expect(reserved).toMatchObject({ token: OTHER_TOKEN, payload: [1], attempts: 0 });
      expect(await reserve(current())).toEqual([]);
      await ack(current(), reserved);
      expect((await stored(current(), reserved.jobId)).status).toBe("completed");
    });
  });
}
