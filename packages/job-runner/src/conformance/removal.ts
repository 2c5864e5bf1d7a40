import { describe, expect, test } from "bun:test";
import type { JobFilter } from "../contract/admin-store.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, json, later, NOW, reserve, running } from "./setup.ts";

export function describeRemoval(current: DriverUnderTest): void {
  describe("removal", () => {
    test("matching jobs are deleted with all their data in every state except running", async () => {
      const lease = await running(current(), { type: "gone" });
      const done = await running(current(), { type: "gone" });
      await current().saveStep(done, { name: "s", output: json(1) }, { now: NOW });
      await ack(current(), done);
      const dead = await running(current(), { type: "gone" });
      await current().fail(dead, { error: "x", kind: "unrecoverable" }, { now: NOW });
      const cancelled = await enqueue(current(), { type: "gone" });
      await current().cancel(cancelled, "x", { now: NOW });
      const delayed = await enqueue(current(), { type: "gone", delayMs: 5, concurrencyKey: "k" });
      const kept = await enqueue(current());
      expect(await current().remove({ type: "gone" }, { now: NOW })).toBe(4);
      for (const id of [done.jobId, dead.jobId, cancelled, delayed])
        expect(await current().get(id)).toBeUndefined();
      expect(await current().stepsOf(done.jobId)).toEqual([]);
      expect(await current().attemptsOf(dead.jobId)).toEqual([]);
      expect((await current().list({}, { limit: 9 })).map(({ id }) => id)).toEqual([kept, lease.jobId]);
      await ack(current(), lease);
      expect((await reserve(current(), later(10))).map(({ jobId }) => jobId)).toEqual([kept]);
    });

    test("a filter by state deletes only this state, and idempotency keys are kept", async () => {
      const ready = await enqueue(current(), { idempotencyKey: "k" });
      const scheduled = await enqueue(current(), { delayMs: 1000 });
      expect(await current().remove({ states: ["completed", "dead", "running"] }, { now: NOW })).toBe(0);
      expect(await current().remove({ states: ["ready"] }, { now: NOW })).toBe(1);
      expect(await current().get(ready)).toBeUndefined();
      expect(await current().get(scheduled)).toBeDefined();
      expect(await enqueue(current(), { idempotencyKey: "k" })).toBe(ready);
      expect(await current().remove({ ids: [] }, { now: NOW })).toBe(0);
    });

    test("a filter with an unknown field or state is rejected; it would match every job, or none", async () => {
      const kept = await enqueue(current(), { type: "kept" });
      const mistaken: JobFilter[] = JSON.parse(
        '[{ "typ": "gone" }, { "states": ["failed"] }, { "queue": 5 }]',
      );
      for (const filter of mistaken) {
        const rejected = { code: "JOB_OPTION_INVALID" };
        await expect(current().remove(filter, { now: NOW })).rejects.toMatchObject(rejected);
        await expect(current().requeue(filter, { now: NOW })).rejects.toMatchObject(rejected);
        await expect(current().list(filter, { limit: 9 })).rejects.toMatchObject(rejected);
      }
      expect(await current().get(kept)).toBeDefined();
    });
  });
}
