import { expect } from "bun:test";
import { until } from "@wharf/testkit";
import { createPostgresDriver } from "../../stores/postgres/postgres.ts";
import type { Cases } from "./page.ts";
import {
  age,
  claim,
  completed,
  dead,
  heldKeys,
  nextClaimed,
  queued,
  refusalOf,
  running,
} from "./situations.ts";

const BY_HAND = "manually: the customer is gone";

/** What the runbook looks at and does to single jobs. */
export const jobCases: Cases = {
  "Running jobs, longest first": [
    "lists running jobs with their workers",
    async ({ driver, run }) => {
      const first = await running(driver, { concurrencyKey: "k" }, "w1");
      const second = await running(driver, {}, "w2");
      await queued(driver);
      expect(await run()).toMatchObject([
        { id: first.jobId, locked_by: "w1", concurrency_key: "k" },
        { id: second.jobId, locked_by: "w2", concurrency_key: null },
      ]);
    },
  ],
  "All columns of a job, including archived jobs": [
    "shows a completed job",
    async ({ driver, run }) => {
      const id = await completed(driver);
      expect(await run({ id })).toMatchObject([{ id, status: "completed", locked_by: "w1" }]);
    },
  ],
  "Workers with running jobs, and time since their last heartbeat": [
    "puts the silent worker first",
    async (situation) => {
      const { driver, sql, run } = situation;
      await running(driver, {}, "alive");
      const { jobId } = await running(driver, {}, "silent");
      await sql`UPDATE jobs SET heartbeat_at = heartbeat_at - interval '20 s' WHERE id = ${jobId}`;
      expect(await run()).toMatchObject([
        { locked_by: "silent", jobs: "1", silent_for: expect.stringMatching(/^00:00:2\d/) },
        { locked_by: "alive", jobs: "1", silent_for: expect.stringMatching(/^00:00:0/) },
      ]);
    },
  ],
  "End the leases of a dead worker": [
    "gives its jobs to the next claim, and counts the loss; other workers keep theirs",
    async ({ driver, run }) => {
      const lost = await running(driver, {}, "gone");
      const kept = await running(driver, {}, "alive");
      await run({ worker: "gone" });
      expect(await nextClaimed(driver, "alive")).toEqual([lost.jobId]);
      expect(await driver.get(lost.jobId)).toMatchObject({ recoveries: 1, lockedBy: "alive" });
      expect(await refusalOf(driver, lost)).toBe("JOB_LEASE_MISMATCH");
      expect(await refusalOf(driver, kept)).toBeUndefined();
    },
  ],
  "Jobs with too many lost leases": [
    "lists those alone",
    async (situation) => {
      const { driver, sql, run } = situation;
      await dead(driver);
      const { jobId } = await running(driver);
      await sql`UPDATE jobs SET recoveries = 5 WHERE id = ${jobId}`;
      await age(situation, jobId, "1 hour");
      await until(async () => (await claim(driver)).length === 0 && (await run()).length > 0);
      expect(await run()).toMatchObject([{ id: jobId, recoveries: 6 }]);
    },
  ],
  "Jobs running for more than ten minutes": [
    "leaves out what runs for nine",
    async (situation) => {
      const { driver, sql, run } = situation;
      const [long, short] = [await running(driver), await running(driver)];
      await sql`UPDATE jobs SET locked_at = now() - interval '11 minutes', lease_expires_at = now() + interval '30 s' WHERE id = ${long.jobId}`;
      await sql`UPDATE jobs SET locked_at = now() - interval '9 minutes' WHERE id = ${short.jobId}`;
      expect(await run()).toMatchObject([{ id: long.jobId, locked_by: "w1" }]);
    },
  ],
  "Take a job from its worker": [
    "frees its key, rejects the worker's outcome, and lets the job run again",
    async (situation) => {
      const { driver, run } = situation;
      const lease = await running(driver, { concurrencyKey: "k" });
      expect(await heldKeys(situation)).toBe(1);
      await run({ id: lease.jobId });
      expect(await heldKeys(situation)).toBe(0);
      expect(await refusalOf(driver, lease)).toBe("JOB_NOT_INFLIGHT");
      expect(await nextClaimed(driver)).toEqual([lease.jobId]);
      expect(await driver.get(lease.jobId)).toMatchObject({ attempts: 0, recoveries: 0 });
    },
  ],
  "Expired leases that were not recovered": [
    "counts them and says for how long",
    async (situation) => {
      const { driver, run } = situation;
      expect(await run()).toMatchObject([{ jobs: "0", ended_for: null }]);
      const { jobId } = await running(driver);
      await running(driver);
      await age(situation, jobId, "1 hour");
      expect(await run()).toMatchObject([{ jobs: "1", ended_for: expect.stringMatching(/^(00:59|01:00):/) }]);
    },
  ],
  "End one job's lease": [
    "refuses the worker's outcome, and the next claim takes the job back",
    async ({ driver, run }) => {
      const lease = await running(driver);
      await run({ id: lease.jobId });
      expect(await refusalOf(driver, lease)).toBe("JOB_LEASE_EXPIRED");
      expect(await nextClaimed(driver, "w2")).toEqual([lease.jobId]);
      expect(await driver.get(lease.jobId)).toMatchObject({ recoveries: 1, lockedBy: "w2" });
    },
  ],
  "Fail a job manually": [
    "makes a dead letter with its reason and one attempt, once, which can be replayed",
    async ({ driver, run }) => {
      const { jobId } = await running(driver);
      await run({ id: jobId });
      await run({ id: jobId });
      const expected = { status: "failed", failureKind: "operator", dlqReason: BY_HAND, attempts: 1 };
      expect(await driver.get(jobId)).toMatchObject(expected);
      expect(await driver.requeue({ ids: [jobId] })).toBe(1);
    },
  ],
  "Cancel a job": [
    "ends queued and running jobs, frees the key, and leaves a done one alone",
    async (situation) => {
      const { driver, run } = situation;
      const lease = await running(driver, { concurrencyKey: "k" });
      for (const id of [lease.jobId, await queued(driver)]) {
        await run({ id });
        const expected = { status: "failed", failureKind: "cancelled", leaseToken: null, dlqReason: null };
        expect(await driver.get(id)).toMatchObject(expected);
      }
      expect(await heldKeys(situation)).toBe(0);
      expect(await refusalOf(driver, lease)).toBe("JOB_NOT_INFLIGHT");
      expect(await claim(driver)).toEqual([]);
      const done = await completed(driver);
      await run({ id: done });
      expect((await driver.get(done))?.status).toBe("completed");
    },
  ],
  "Notify its worker": [
    "reaches every process that listens",
    async ({ sql, run }) => {
      const heard: string[] = [];
      const ignore = () => undefined;
      const onCancelled = (id: string) => heard.push(id);
      const hints = { onRunnable: ignore, onEvent: ignore, onError: ignore, onCancelled };
      const listening = await createPostgresDriver({ sql }).listen?.(hints);
      await run({ id: "42" });
      await until(() => heard.length > 0);
      expect(heard).toEqual(["42"]);
      await listening?.close();
    },
  ],
  "State of a cancelled job": [
    "shows the reason",
    async ({ driver, run }) => {
      const { jobId } = await running(driver);
      expect(await run({ id: jobId })).toMatchObject([{ status: "running", is_free: false }]);
      await driver.cancel(jobId, "ordered twice");
      expect(await run({ id: jobId })).toMatchObject([
        { status: "failed", failure_kind: "cancelled", is_free: true },
      ]);
    },
  ],
  "Delete a job": [
    "frees its key and rejects later writes of its worker",
    async (situation) => {
      const { driver, run } = situation;
      const lease = await running(driver, { concurrencyKey: "k" });
      await run({ id: lease.jobId });
      expect(await heldKeys(situation)).toBe(0);
      expect(await driver.get(lease.jobId)).toBeUndefined();
      expect(await refusalOf(driver, lease)).toBe("JOB_NOT_INFLIGHT");
    },
  ],
  "Delete a job's idempotency key": [
    "lets the same enqueue make a new job",
    async ({ driver, sql, run }) => {
      const id = await queued(driver, { idempotencyKey: "once" });
      await sql`DELETE FROM jobs WHERE id = ${id}`;
      expect(await queued(driver, { idempotencyKey: "once" })).toBe(id);
      await run({ id });
      const again = await queued(driver, { idempotencyKey: "once" });
      expect((await driver.get(again))?.status).toBe("queued");
      expect(again).not.toBe(id);
    },
  ],
};
