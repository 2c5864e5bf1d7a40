import { describe, expect, test } from "bun:test";
import type { Driver, Lease } from "../contract/driver.ts";
import type { NewLogLine } from "../contract/durable-store.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, json, LEASE_MS, later, NOW, OTHER_TOKEN, present, reserve, running } from "./setup.ts";

const line: NewLogLine = { level: "info", message: "x", fields: null, loggedAt: NOW };

/** Operations under a lease whose effect is not visible in the job itself. */
const WRITES: Record<string, (driver: Driver, lease: Lease, now: string) => Promise<unknown>> = {
  resumeSteps: (driver, lease, now) => driver.resumeSteps(lease, { now }),
  saveStep: (driver, lease, now) => driver.saveStep(lease, { name: "s", output: json(1) }, { now }),
  appendLog: (driver, lease, now) => driver.appendLog(lease, [line], { now }),
};

export function describeSteps(current: DriverUnderTest): void {
  describe("steps", () => {
    test("steps are returned with their outputs, and a job without steps has none", async () => {
      const lease = await running(current());
      expect(await current().resumeSteps(lease, { now: NOW })).toEqual([]);
      const outputs = { list: [1, "ü", null], nothing: undefined, null: null, text: "a", zero: 0 };
      for (const [name, output] of Object.entries(outputs)) {
        await current().saveStep(
          lease,
          { name, output: output === undefined ? output : json(output) },
          { now: later(5) },
        );
      }
      const steps = await current().resumeSteps(lease, { now: later(6) });
      expect(Object.fromEntries(steps.map(({ name, output }) => [name, output]))).toEqual(outputs);
      expect(steps[0]).toEqual({
        name: "list",
        kind: "step",
        output: outputs.list,
        finishedAt: later(5),
        createdAt: later(5),
        wakeAt: null,
        event: null,
        eventId: null,
      });
    });

    test("steps survive a retry, a lost lease and the end of their job", async () => {
      const first = await running(current());
      await current().saveStep(first, { name: "a", output: json(1) }, { now: NOW });
      await current().retry(first, { error: "x" }, { now: NOW });
      const [second] = await reserve(current());
      await current().saveStep(present(second), { name: "b", output: json(2) }, { now: NOW });
      const [third] = await reserve(current(), later(LEASE_MS));
      const other = await enqueue(current());
      const steps = await current().resumeSteps(present(third), { now: later(LEASE_MS) });
      expect(steps.map(({ name, output }) => [name, output])).toEqual([
        ["a", 1],
        ["b", 2],
      ]);
      await ack(current(), present(third), later(LEASE_MS));
      expect(await current().stepsOf(first.jobId)).toHaveLength(2);
      expect(await current().stepsOf(other)).toEqual([]);
    });

    test("storing a step again under the same lease succeeds", async () => {
      const lease = await running(current());
      await current().saveStep(lease, { name: "a", output: json(1) }, { now: NOW });
      await current().saveStep(lease, { name: "a", output: json(1) }, { now: later(1) });
      expect(await current().stepsOf(lease.jobId)).toHaveLength(1);
    });

    test("steps and logs stay as long as the job is in the archive", async () => {
      const lease = await running(current());
      await current().saveStep(lease, { name: "a", output: json(1) }, { now: NOW });
      await current().appendLog(lease, [line], { now: NOW });
      await ack(current(), lease);
      await current().maintain({ archiveDays: 30, idempotencyKeyDays: 30 }, { now: later(86_400_000) });
      expect(await current().stepsOf(lease.jobId)).toHaveLength(1);
      expect(await current().logOf(lease.jobId, { limit: 10 })).toHaveLength(1);
    });

    for (const [name, write] of Object.entries(WRITES)) {
      test(`${name} under an invalid lease is rejected and changes nothing`, async () => {
        const queued = { jobId: await enqueue(current()), token: OTHER_TOKEN };
        const refused = (lease: Lease, now: string) => expect(write(current(), lease, now)).rejects;
        await refused(queued, NOW).toMatchObject({ code: "JOB_NOT_INFLIGHT" });
        await refused({ jobId: "987654321", token: OTHER_TOKEN }, NOW).toMatchObject({
          code: "JOB_NOT_INFLIGHT",
        });
        const [lease] = await reserve(current());
        const held = present(lease);
        await refused(held, later(LEASE_MS)).toMatchObject({ code: "JOB_LEASE_EXPIRED" });
        await refused({ ...held, token: OTHER_TOKEN }, later(LEASE_MS)).toMatchObject({
          code: "JOB_LEASE_EXPIRED",
        });
        await refused({ ...held, token: OTHER_TOKEN }, NOW).toMatchObject({ code: "JOB_LEASE_MISMATCH" });
        await ack(current(), held);
        await refused(held, NOW).toMatchObject({ code: "JOB_NOT_INFLIGHT" });
        expect(await current().stepsOf(held.jobId)).toEqual([]);
        expect(await current().logOf(held.jobId, { limit: 10 })).toEqual([]);
      });
    }
  });
}
