import { describe, expect, test } from "bun:test";
import { JOB_STATES, type JobFilter } from "../contract/admin-store.ts";
import type { NewJob } from "../contract/driver.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, json, later, NOW, running, stored } from "./setup.ts";

export function describeJobLists(current: DriverUnderTest): void {
  const list = async (filter: JobFilter = {}, limit = 100, before?: string) =>
    (await current().list(filter, { limit, ...(before === undefined ? {} : { before }) }, { now: NOW })).map(
      ({ id }) => id,
    );

  async function bury(fields: Partial<NewJob> = {}) {
    const lease = await running(current(), fields);
    await current().fail(lease, { error: "boom", kind: "unrecoverable" }, { now: NOW });
    return lease.jobId;
  }

  async function oneOfEach(): Promise<Record<string, string>> {
    const dead = await bury();
    const done = await running(current());
    await ack(current(), { ...done, output: json({ secret: 1 }) });
    const waiting = await running(current());
    await current().suspend(waiting, [{ name: "answer", event: { name: "answer", key: "" } }], { now: NOW });
    const { jobId: leased } = await running(current());
    const cancelled = await enqueue(current());
    await current().cancel(cancelled, "no", { now: NOW });
    const scheduled = await enqueue(current(), { delayMs: 1000 });
    const ready = await enqueue(current());
    const states = { ready, scheduled, running: leased, completed: done.jobId, dead, cancelled };
    return { ...states, waiting: waiting.jobId };
  }

  describe("lists of jobs", () => {
    test("every job is in the list of its own state and in no other", async () => {
      const jobs = await oneOfEach();
      for (const state of JOB_STATES) {
        expect(await list({ states: [state] })).toEqual([jobs[state] ?? ""]);
        expect(await current().count({ states: [state] }, { now: NOW })).toEqual({
          count: 1,
          isCapped: false,
        });
      }
      expect(await current().count({}, { now: NOW })).toEqual({ count: 7, isCapped: false });
      expect(await current().count({ states: [], type: "other" })).toEqual({ count: 0, isCapped: false });
      expect(await list({ states: [] })).toEqual([]);
    });

    test("a list of several states contains the jobs of each", async () => {
      const jobs = await oneOfEach();
      const found = await list({ states: ["dead", "completed", "scheduled"] });
      expect(found.sort()).toEqual([jobs["dead"], jobs["completed"], jobs["scheduled"]].map(String).sort());
    });

    test("a scheduled job is ready once its time has come", async () => {
      const id = await enqueue(current(), { delayMs: 1000 });
      const ready = await current().list({ states: ["ready"] }, { limit: 5 }, { now: later(1000) });
      expect(ready.map((job) => job.id)).toEqual([id]);
    });

    test("jobs come newest first, archived ones among them, page by page", async () => {
      const jobs = Object.values(await oneOfEach()).sort((left, right) => Number(right) - Number(left));
      const first = await list({}, 4);
      expect(first).toEqual(jobs.slice(0, 4));
      expect(await list({}, 4, first.at(-1))).toEqual(jobs.slice(4));
      expect(await list({}, 4, jobs.at(-1))).toEqual([]);
    });

    test("a list is narrowed by queue, type, ids and concurrency key together", async () => {
      const wanted = await enqueue(current(), { queue: "mail", type: "welcome", concurrencyKey: "a" });
      const other = await enqueue(current(), { queue: "mail", type: "bill", concurrencyKey: "b" });
      const elsewhere = await enqueue(current(), { type: "welcome" });
      expect(await list({ queue: "mail" })).toEqual([other, wanted]);
      expect(await list({ type: "welcome" })).toEqual([elsewhere, wanted]);
      expect(await list({ exceptQueue: "mail" })).toEqual([elsewhere]);
      expect((await current().count({ exceptQueue: "default" }, { now: NOW })).count).toBe(2);
      expect(await list({ queue: "mail", type: "welcome" })).toEqual([wanted]);
      expect(await list({ concurrencyKey: "b" })).toEqual([other]);
      expect(await list({ ids: [wanted, elsewhere], type: "welcome", queue: "default" })).toEqual([
        elsewhere,
      ]);
      expect(await list({ ids: [] })).toEqual([]);
    });

    test("the time bounds of a list are exclusive", async () => {
      const ids = [
        await enqueue(current(), {}, later(0)),
        await enqueue(current(), {}, later(1)),
        await enqueue(current(), {}, later(2)),
      ];
      expect(await list({ createdAfter: later(0), createdBefore: later(2) })).toEqual([ids[1] ?? ""]);
      expect(await list({ createdAfter: later(2) })).toEqual([]);
    });

    test("a list contains no payload, output or token", async () => {
      const { completed } = await oneOfEach();
      const rows = await current().list({}, { limit: 100 }, { now: NOW });
      for (const row of rows)
        expect(Object.keys(row)).not.toContainAnyValues(["payload", "output", "leaseToken"]);
      const {
        payload: _payload,
        output: _output,
        leaseToken: _token,
        ...rest
      } = await stored(current(), completed ?? "");
      expect(rows.find(({ id }) => id === completed)).toEqual(rest);
    });

    test("running jobs are listed longest first, and their workers with what they hold", async () => {
      const older = await running(current(), {}, later(0));
      const newer = await running(current(), { queue: "mail" }, later(5));
      await current().extend([newer], 1000, { now: later(9) });
      const jobs = await current().runningJobs(10);
      expect(jobs.map(({ id, lockedBy, lockedAt }) => ({ id, lockedBy, lockedAt }))).toEqual([
        { id: older.jobId, lockedBy: "w1", lockedAt: later(0) },
        { id: newer.jobId, lockedBy: "w1", lockedAt: later(5) },
      ]);
      expect(await current().runningJobs(1)).toHaveLength(1);
      const jobCount = { count: 2, isCapped: false };
      expect(await current().workers()).toEqual([
        { workerId: "w1", jobs: jobCount, oldestLockedAt: later(0), lastHeartbeatAt: later(9) },
      ]);
    });
  });
}
