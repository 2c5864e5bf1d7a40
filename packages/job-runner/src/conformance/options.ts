import { describe, expect, test } from "bun:test";
import type { Driver } from "../contract/driver.ts";
import { DELAY_MAX_MS, KEY_MAX_LENGTH, NAME_MAX_LENGTH, TIMEOUT_MAX_MS } from "../contract/option-schemas.ts";
import {
  type DriverUnderTest,
  enqueue,
  type JobFields,
  job,
  LEASE_MS,
  NOW,
  OTHER_TOKEN,
  reserve,
  running,
  stored,
} from "./setup.ts";

/** Takes the most room of any text of its length, and does not compress. */
const longText = (length: number) =>
  Array.from({ length }, (_, n) => String.fromCharCode(0x4e00 + ((n * 7919) % 20_000))).join("");

const AT_THE_EDGE: Record<string, JobFields> = {
  "the longest name and keys": {
    type: longText(NAME_MAX_LENGTH),
    queue: longText(NAME_MAX_LENGTH),
    idempotencyKey: longText(KEY_MAX_LENGTH),
    concurrencyKey: longText(KEY_MAX_LENGTH),
  },
  "the largest numbers": {
    priority: 32_767,
    maxAttempts: 2_147_483_647,
    timeoutMs: TIMEOUT_MAX_MS,
    concurrencyKey: "k",
    concurrencyLimit: 32_767,
  },
  "the smallest numbers": { priority: -32_768, maxAttempts: 1, timeoutMs: 1, delayMs: 0 },
  "the longest delay": { delayMs: DELAY_MAX_MS },
  "a time that is past": { runAt: "0001-01-01T00:00:00Z" },
  "the last time": { runAt: "9999-12-31T23:59:59.999999Z" },
  "the farthest time zone": { runAt: "2030-01-01T00:00:00+15:59" },
  "a fraction of a millisecond": { delayMs: 0.5 },
};

const BEYOND: Record<string, JobFields> = {
  "an empty type": { type: "" },
  "an empty queue": { queue: "" },
  "a type that is too long": { type: "x".repeat(NAME_MAX_LENGTH + 1) },
  "a queue that is too long": { queue: "x".repeat(NAME_MAX_LENGTH + 1) },
  "a queue with a NUL": { queue: "a\0b" },
  "an idempotency key that is too long": { idempotencyKey: "x".repeat(KEY_MAX_LENGTH + 1) },
  "a concurrency key that is too long": { concurrencyKey: "x".repeat(10_000) },
  "an empty concurrency key": { concurrencyKey: "" },
  "half of a surrogate pair": { idempotencyKey: "a\ud800" },
  "a priority that is too large": { priority: 32_768 },
  "a priority with a fraction": { priority: 1.5 },
  "attempts with a fraction": { maxAttempts: 1.5 },
  "no attempts": { maxAttempts: 0 },
  "a timeout beyond a timer": { timeoutMs: TIMEOUT_MAX_MS + 1 },
  "no time": { timeoutMs: 0 },
  "a concurrency limit that is too large": { concurrencyKey: "k", concurrencyLimit: 40_000 },
  "a delay that is no number": { delayMs: Number.NaN },
  "an infinite delay": { delayMs: Number.POSITIVE_INFINITY },
  "a delay beyond the calendar": { delayMs: 1e300 },
  "a day that is not in the calendar": { runAt: "2026-02-30T00:00:00Z" },
  "the year 0": { runAt: "0000-01-01T00:00:00Z" },
  "an offset of 16 hours": { runAt: "2030-01-01T00:00:00+16:00" },
  "a Date that is none": { runAt: new Date(Number.NaN) },
};

const claim = { queue: "default", workerId: "w1", leaseMs: LEASE_MS, limit: 1 };
const lease = { jobId: "1", token: OTHER_TOKEN };
const retention = { archiveDays: 1, idempotencyKeyDays: 1 };

/** Operations with one argument that none of the stores can work with. */
const REFUSED: Record<string, (driver: Driver) => Promise<unknown>> = {
  "get of no id": (driver) => driver.get("nope"),
  "get of an id beyond 64 bits": (driver) => driver.get("9223372036854775808"),
  "cancel of no id": (driver) => driver.cancel("1; DROP", "x"),
  "steps of no id": (driver) => driver.stepsOf(""),
  "attempts of no id": (driver) => driver.attemptsOf("-1"),
  "log of no id": (driver) => driver.logOf("1.5", { limit: 1 }),
  "log with a negative limit": (driver) => driver.logOf("1", { limit: -1 }),
  "list with a negative limit": (driver) => driver.list({}, { limit: -1 }),
  "list with half a limit": (driver) => driver.list({}, { limit: 0.5 }),
  "list before no id": (driver) => driver.list({}, { limit: 1, before: "nope" }),
  "list of ids that are none": (driver) => driver.list({ ids: ["nope"] }, { limit: 1 }),
  "dead letters after no id": (driver) => driver.deadLetters({}, { limit: 1, after: "nope" }),
  "running jobs without a limit": (driver) => driver.runningJobs(Number.NaN),
  "ack with a token that is none": (driver) => driver.ack([{ jobId: "1", token: "nope" }]),
  "extend by nothing": (driver) => driver.extend([lease], 0),
  "extend of no id": (driver) => driver.extend([{ ...lease, jobId: "nope" }], LEASE_MS),
  "release of no token": (driver) => driver.release([{ ...lease, token: "" }]),
  "retry with an infinite delay": (driver) => driver.retry(lease, { error: "x", delayMs: 1e300 }),
  "fail with a token that is none": (driver) =>
    driver.fail({ ...lease, token: "x" }, { error: "x", kind: "operator" }),
  "a claim with a negative lease": (driver) => driver.reserve({ ...claim, leaseMs: -1 }),
  "a claim with a limit that is none": (driver) => driver.reserve({ ...claim, limit: Number.NaN }),
  "a claim of an empty queue's name": (driver) => driver.reserve({ ...claim, queue: "" }),
  "a named claim without a lease": (driver) => driver.reserveOne("1", { workerId: "w", leaseMs: 0 }),
  "a sleep beyond the calendar": (driver) => driver.suspend(lease, [{ name: "s", forMs: 1e16 }]),
  "a wait for a key that is too long": (driver) =>
    driver.suspend(lease, [{ name: "s", event: { name: "e", key: longText(KEY_MAX_LENGTH + 1) } }]),
  "a change to a priority that is too large": (driver) => driver.reschedule("1", { priority: 1e9 }),
  "a retention below nothing": (driver) => driver.maintain({ ...retention, archiveDays: -1 }),
  "a pause of a queue without a name": (driver) => driver.pauseQueue("", null),
};

export function describeOptions(current: DriverUnderTest): void {
  describe("options", () => {
    for (const [what, fields] of Object.entries(AT_THE_EDGE)) {
      test(`${what} are stored`, async () => {
        const id = await enqueue(current(), fields);
        const { priority, maxAttempts } = await stored(current(), id);
        expect({ priority, maxAttempts }).toEqual({
          priority: fields.priority ?? 0,
          maxAttempts: fields.maxAttempts ?? 25,
        });
      });
    }

    for (const [what, fields] of Object.entries(BEYOND)) {
      test(`${what} is rejected by every store, and stores nothing`, async () => {
        const enqueuing = current().enqueue([job(), job(fields)], { now: NOW });
        await expect(enqueuing).rejects.toMatchObject({ code: "JOB_OPTION_INVALID" });
        expect(await reserve(current())).toEqual([]);
      });
    }

    for (const [what, fields] of Object.entries(BEYOND)) {
      test(`${what} is rejected after a valid job, and after another rejection`, async () => {
        await enqueue(current());
        for (let call = 1; call <= 2; call += 1) {
          await expect(enqueue(current(), fields)).rejects.toMatchObject({ code: "JOB_OPTION_INVALID" });
        }
        await enqueue(current());
        expect(await reserve(current())).toHaveLength(2);
      });
    }

    test("a list of types that was valid when it was last given is checked again", async () => {
      const types = ["welcome"];
      await current().reserve({ ...claim, types });
      types.push("");
      await expect(current().reserve({ ...claim, types })).rejects.toMatchObject({
        code: "JOB_OPTION_INVALID",
      });
    });

    for (const [what, operation] of Object.entries(REFUSED)) {
      test(`${what} is refused with a typed error`, async () => {
        await expect(operation(current())).rejects.toMatchObject({ code: "JOB_OPTION_INVALID" });
      });
    }

    test("the longest wait is stored and changes nothing of its job", async () => {
      const held = await running(current());
      const event = { name: longText(NAME_MAX_LENGTH), key: longText(KEY_MAX_LENGTH) };
      await current().suspend(held, [{ name: longText(NAME_MAX_LENGTH), event, forMs: DELAY_MAX_MS }], {
        now: NOW,
      });
      expect((await current().stepsOf(held.jobId))[0]?.event).toEqual(event);
    });
  });
}
