import { beforeEach, expect, test } from "bun:test";
import { describeDriverContract } from "../../conformance/index.ts";
import { ack, later, NOW, running } from "../../conformance/setup.ts";
import type { Driver } from "../../contract/driver.ts";
import { storableJson as json } from "../../contract/storable-json.ts";
import { createMemoryDriver } from "../memory/memory.ts";

let driver: Driver;
beforeEach(() => {
  driver = createMemoryDriver();
});

describeDriverContract("memory", () => driver);

test("steps and logs are dropped with the job when its time in the archive is over", async () => {
  const lease = await running(driver);
  await driver.saveStep(lease, { name: "a", output: json(1) }, { now: NOW });
  await driver.appendLog(lease, [{ level: "info", message: "x", fields: null, loggedAt: NOW }], { now: NOW });
  await ack(driver, lease);
  await driver.maintain({ archiveDays: 30, idempotencyKeyDays: 30 }, { now: later(31 * 86_400_000) });
  expect(await driver.get(lease.jobId)).toBeUndefined();
  expect(await driver.stepsOf(lease.jobId)).toEqual([]);
  expect(await driver.logOf(lease.jobId, { limit: 10 })).toEqual([]);
});

test("a transaction is refused by the memory driver", async () => {
  const transaction = Object.assign(() => {}, {}) as never;
  await expect(driver.enqueue([], { transaction })).rejects.toMatchObject({ code: "JOB_UNSUPPORTED" });
});
