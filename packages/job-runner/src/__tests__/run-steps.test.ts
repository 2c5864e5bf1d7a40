import { describe, expect, test } from "bun:test";
import { storableJson as json } from "../contract/storable-json.ts";
import { createHeartbeat } from "../engine/heartbeat.ts";
import { JobRun } from "../engine/job-run.ts";
import { createRunSteps } from "../engine/run-steps.ts";
import { createWriteUnderLease } from "../engine/write-under-lease.ts";
import { defineJob, type JobContext } from "../index.ts";
import { createMemoryDriver } from "../stores/memory/memory.ts";
import { anything, fast, useRunners } from "./setup.ts";

const { started } = useRunners();
const LEASE_MS = 60_000;
const KINDS: Record<string, (ctx: JobContext, name: string) => Promise<unknown>> = {
  "a step": (ctx, name) => ctx.step(name, () => 1),
  "a sleep": (ctx, name) => ctx.sleep(name, 0),
  "a wait for an event": (ctx, name) => ctx.waitForEvent(name, { event: "e", timeoutMs: 0 }),
};

describe("a step whose name was used before", () => {
  for (const [before, first] of Object.entries(KINDS)) {
    for (const [now, second] of Object.entries(KINDS)) {
      if (before === now) continue;
      test(`for ${before} is refused as ${now}`, async () => {
        let isChanged = false;
        const job = defineJob({
          name: "changed",
          input: anything,
          backoff: fast,
          async run(ctx) {
            if (isChanged) return second(ctx, "pay");
            await first(ctx, "pay");
            isChanged = true;
            throw new Error("a new version is deployed");
          },
        });
        const runner = await started([job], { dsn: "memory:" });
        const { id } = await runner.enqueue(job, null);
        await expect(runner.waitFor(id)).rejects.toMatchObject({ kind: "unrecoverable" });
        const { lastError } = (await runner.get(id)) ?? {};
        expect(lastError).toContain(`"pay" was ${before} in an earlier run and is ${now} now`);
      });
    }
  }
});

describe("a run that was frozen beyond its lease", () => {
  async function frozenRun() {
    const driver = createMemoryDriver();
    await driver.enqueue([{ queue: "q", type: "t", payload: json(null) }]);
    const { jobs } = await driver.reserve({ queue: "q", workerId: "w", leaseMs: LEASE_MS, limit: 1 });
    const [job] = jobs;
    if (job === undefined) throw new Error("A job was expected.");
    const options = { driver, leaseMs: LEASE_MS, leaseMarginMs: 1000, onError: () => undefined };
    const heartbeat = createHeartbeat(options);
    const run = new JobRun(job, performance.now(), LEASE_MS);
    heartbeat.hold(run);
    const writeUnderLease = createWriteUnderLease(heartbeat, () => undefined);
    const steps = createRunSteps(run, { driver, writeUnderLease, requireLease: heartbeat.requireLease });
    // What a freeze does: the clock is past the lease, and no timer has fired yet.
    const freeze = () => {
      run.leaseEndsAtMs = performance.now() - 1;
    };
    return { run, steps, freeze };
  }

  test("starts no step, although no timer has aborted it", async () => {
    const { run, steps, freeze } = await frozenRun();
    expect(await steps.step("first", () => 1)).toBe(1);
    freeze();
    let isStarted = false;
    const second = steps.step("second", () => {
      isStarted = true;
    });
    await expect(second).rejects.toMatchObject({ code: "JOB_LEASE_LOST" });
    expect(isStarted).toBe(false);
    expect(run.signal.aborted).toBe(true);
  });

  test("does not store the step in which it was frozen", async () => {
    const { steps, freeze } = await frozenRun();
    await expect(steps.step("slow", freeze)).rejects.toMatchObject({ code: "JOB_LEASE_LOST" });
  });
});
