import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import type { Driver } from "../contract/driver.ts";
import { JobDatabaseTimeoutError, LeaseExpiredError } from "../contract/errors.ts";
import { storableJson as json } from "../contract/storable-json.ts";
import { resend, verdictOn } from "../engine/write-errors.ts";
import { defineJob, JobOptionError, type JobRunner } from "../index.ts";
import { createMemoryDriver } from "../stores/memory/memory.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";
import { anything, ended, fast, useRunners } from "./setup.ts";

const { database, started } = useRunners();
const coded = (code: string) => Object.assign(new Error("refused"), { code });

const nested = (levels: number) => {
  let node = {};
  for (let level = 0; level < levels; level += 1) node = { node };
  return node;
};
/** JSON.stringify writes it, Postgres refuses it. */
const deep = () => nested(20_000);
const REFUSED: Record<string, () => unknown> = {
  "an output nested deeper than the store takes": deep,
  "an output of 70 MB": () => "x".repeat(70_000_000),
};

describe("an output that the store rejects permanently", () => {
  for (const [what, output] of Object.entries(REFUSED)) {
    test(`fails its own job alone: ${what}`, async () => {
      const bad = defineJob({ name: "bad", input: anything, maxAttempts: 2, backoff: fast, run: output });
      const good = defineJob({ name: "good", input: anything, run: () => "ok" });
      const runner = await started([bad, good]);
      const mixed = Array.from({ length: 40 }, () => runner.enqueue(good, null));
      const bads = [await runner.enqueue(bad, null), await runner.enqueue(bad, null)];
      for (const { id } of await Promise.all(mixed)) await runner.waitFor(id, { timeoutMs: 20_000 });
      for (const { id } of bads) {
        await expect(runner.waitFor(id, { timeoutMs: 20_000 })).rejects.toMatchObject({
          kind: "attempts_exhausted",
        });
        expect(await runner.get(id)).toMatchObject({ attempts: 2, output: null });
      }
      await until(() => runner.stats().unwritten === 0);
    });
  }

  test("fails its job when JSON.stringify throws", async () => {
    const bad = defineJob({ name: "bad", input: anything, maxAttempts: 1, run: () => nested(50_000) });
    const runner = await started([bad]);
    const { id } = await runner.enqueue(bad, null);
    await ended(runner, id, "failed");
    expect(await runner.get(id)).toMatchObject({ failureKind: "attempts_exhausted", output: null });
  });

  test("is named with the store's code in the error of the job", async () => {
    const bad = defineJob({ name: "bad", input: anything, maxAttempts: 1, run: deep });
    const runner = await started([bad]);
    const { id } = await runner.enqueue(bad, null);
    await ended(runner, id, "failed");
    expect((await runner.get(id))?.lastError).toContain("The store rejected the output of job");
    expect((await runner.get(id))?.lastError).toContain("54001");
  });

  test("is found by halving: the other jobs of its batch complete", async () => {
    const sizes: number[] = [];
    const driver: Driver = {
      ...createMemoryDriver(),
      name: "memory",
    };
    const { ack } = driver;
    driver.ack = (acks, at) => {
      sizes.push(acks.length);
      if (acks.some(({ output }) => output === '"bad"')) return Promise.reject(coded("22021"));
      return ack(acks, at);
    };
    const job = defineJob({ name: "job", input: anything, maxAttempts: 1, run: (_ctx, input) => input });
    const runner = await started([job], { driver, concurrency: 64, handOver: false });
    const inputs = Array.from({ length: 64 }, (_, n) => ({ input: n === 41 ? "bad" : "good" }));
    const jobs = await runner.enqueueMany(job, inputs);
    await until(() => runner.stats().completed === 63 && runner.stats().failed === 1);
    expect(await statusesOf(runner, jobs)).toEqual({ completed: 63, failed: 1 });
    expect(sizes.length).toBeLessThan(2 * Math.ceil(Math.log2(64)) + 4);
  });
});

describe("a write that the store rejects permanently", () => {
  for (const code of ["22008", "23514", "54000", "SQLITE_CONSTRAINT_CHECK"]) {
    test(`fails the attempt when a run suspends, instead of holding its slot (${code})`, async () => {
      const driver = { ...createMemoryDriver(), suspend: () => Promise.reject(coded(code)) };
      const naps = defineJob({
        name: "naps",
        input: anything,
        maxAttempts: 1,
        run: (ctx) => ctx.sleep("nap", 1),
      });
      const runner = await started([naps], { driver, concurrency: 1 });
      const { id } = await runner.enqueue(naps, null);
      await expect(runner.waitFor(id)).rejects.toMatchObject({ kind: "attempts_exhausted" });
      expect((await runner.get(id))?.lastError).toContain(code);
      expect(runner.stats()).toMatchObject({ running: 0, unwritten: 0 });
    });
  }

  test("releases the lease when the failure is rejected as well, so that the job is recovered", async () => {
    const driver = { ...createMemoryDriver(), fail: () => Promise.reject(coded("22021")) };
    const job = defineJob({
      name: "fails",
      input: anything,
      maxAttempts: 1,
      run: () => {
        throw new Error("x");
      },
    });
    const options = { driver, concurrency: 1, leaseMs: 100, maxRecoveries: 1 };
    const runner = await started([job], options);
    const { id } = await runner.enqueue(job, null);
    await expect(runner.waitFor(id)).rejects.toMatchObject({ kind: "lease_expired" });
  });
});

describe("the classes of write errors", () => {
  test("distinguish rejected data from an unavailable database", () => {
    const verdicts = (codes: string[]) => new Set(codes.map((code) => verdictOn(coded(code))));
    expect(verdicts(["22P05", "23514", "54001", "SQLITE_TOOBIG"])).toEqual(new Set(["refused"]));
    const away = [
      "08006",
      "57P01",
      "53300",
      "40P01",
      "ECONNRESET",
      "EPIPE",
      "CONNECT_TIMEOUT",
      "SQLITE_BUSY",
    ];
    expect(verdicts(away)).toEqual(new Set(["away"]));
    expect(verdicts(["42P01", "XX000", "57014", "ERR_OUT_OF_RANGE", ""])).toEqual(new Set(["unknown"]));
    expect(verdictOn(new RangeError("Out of memory"))).toBe("refused");
    expect(verdictOn(new JobOptionError("x"))).toBe("refused");
    expect(verdictOn(new JobDatabaseTimeoutError(1))).toBe("unknown");
    expect(verdictOn(new LeaseExpiredError("1"))).toBe("lease");
    expect(verdictOn("thrown text")).toBe("unknown");
  });

  test("limit the number of retries", async () => {
    const sent = { XX000: 0, "53100": 0, "22021": 0 };
    for (const code of ["XX000", "53100", "22021"] as const) {
      const send = () => {
        sent[code] += 1;
        return Promise.reject(coded(code));
      };
      const resent = resend(send, {
        isHeld: () => true,
        onError: () => undefined,
        errorsMax: { unknown: 2, away: 3 },
      });
      await expect(resent).rejects.toMatchObject({ code });
    }
    expect(sent).toEqual({ XX000: 2, "53100": 3, "22021": 1 });
  });

  test("include Postgres' error for JSON that is nested too deep", async () => {
    const driver = createPostgresDriver({ sql: database.sql });
    await expect(driver.enqueue([{ queue: "q", type: "t", payload: json(deep()) }])).rejects.toMatchObject({
      code: "54001",
    });
  });
});

async function statusesOf(runner: JobRunner, jobs: readonly { id: string }[]) {
  const counts: Record<string, number> = {};
  for (const { id } of jobs) {
    const { status = "unknown" } = (await runner.get(id)) ?? {};
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}
