import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { defineJob, type JobRecord, UnrecoverableError } from "../index.ts";
import { anything, ended, fast, useRunners } from "./setup.ts";

const { runnerOf, started } = useRunners();
const quick = defineJob({ name: "quick", input: anything, run: (_ctx, input) => ({ got: input }) });
const inspecting = { workerMode: "inspect" } as const;

const heldMs = (job: JobRecord | undefined) =>
  Date.parse(job?.heartbeatAt ?? "") - Date.parse(job?.lockedAt ?? "");

describe("inspect mode", () => {
  test("migrates, enqueues and lists, and claims nothing", async () => {
    let migrated = 0;
    const migrate = async () => {
      migrated += 1;
    };
    const inspector = await started([quick], { ...inspecting, migrate });
    const { id } = await inspector.enqueue(quick, 7);
    const other = defineJob({ name: "other", queue: "other", input: anything, run: () => null });
    const worker = await started([other]);
    const { id: marker } = await worker.enqueue(other, null);
    await ended(worker, marker, "completed");
    expect(migrated).toBe(1);
    expect(await inspector.get(id)).toMatchObject({ status: "queued", leaseGeneration: 0, payload: 7 });
    expect(inspector.stats()).toMatchObject({ submitted: 1, running: 0 });
  });

  test("is enabled by the environment", async () => {
    const before = process.env["WHARF_WORKER_MODE"];
    process.env["WHARF_WORKER_MODE"] = "inspect";
    try {
      const inspector = await started([quick]);
      const { id } = await inspector.enqueue(quick, 1);
      expect(await inspector.get(id)).toMatchObject({ status: "queued", leaseGeneration: 0 });
    } finally {
      if (before === undefined) delete process.env["WHARF_WORKER_MODE"];
      else process.env["WHARF_WORKER_MODE"] = before;
    }
  });

  test("runs only the named job", async () => {
    const inspector = await started([quick], inspecting);
    const [first, second] = await inspector.enqueueMany(quick, [{ input: 1 }, { input: 2, delayMs: 60_000 }]);
    const done = await inspector.runOne(second?.id ?? "");
    expect(done).toMatchObject({ id: second?.id ?? "", status: "completed", output: { got: 2 } });
    expect(await inspector.get(first?.id ?? "")).toMatchObject({ status: "queued", leaseGeneration: 0 });
  });

  test("stores the failure of the named job", async () => {
    const broken = defineJob({
      name: "broken",
      input: anything,
      backoff: fast,
      run: () => Promise.reject(new Error("x")),
    });
    const hopeless = defineJob({
      name: "hopeless",
      input: anything,
      run: () => Promise.reject(new UnrecoverableError("no")),
    });
    const inspector = await started([broken, hopeless], inspecting);
    const retried = await inspector.runOne((await inspector.enqueue(broken, null)).id);
    expect(retried).toMatchObject({ status: "queued", attempts: 1, lastError: "Error: x" });
    const dead = await inspector.runOne((await inspector.enqueue(hopeless, null)).id);
    expect(dead).toMatchObject({ status: "failed", failureKind: "unrecoverable" });
  });

  test("extends the lease of the named job during a long run", async () => {
    const { promise: enough, resolve: end } = Promise.withResolvers<void>();
    const long = defineJob({ name: "long", input: anything, run: () => enough });
    const inspector = await started([long], { ...inspecting, leaseMs: 200, leaseMarginMs: 40 });
    const { id } = await inspector.enqueue(long, null);
    const running = inspector.runOne(id);
    const worker = await started([quick]);
    await until(async () => heldMs(await worker.get(id)) > 600, { describe: "three leases to have passed" });
    end();
    expect(await running).toMatchObject({ status: "completed", recoveries: 0, leaseGeneration: 1 });
  });
});

describe("a named job that cannot be run", () => {
  test("is rejected with the reason, and does not change", async () => {
    const inspector = await started([quick], inspecting);
    const unknownType = defineJob({ name: "elsewhere", input: anything, run: () => null });
    const { id: elsewhere } = await runnerOf([]).enqueue(unknownType, null);
    const { id: done } = await inspector.enqueue(quick, 1);
    await inspector.runOne(done);
    const { id: cancelled } = await inspector.enqueue(quick, 1);
    await inspector.cancel(cancelled);
    const reasons = {
      [elsewhere]: "no job type elsewhere",
      [done]: "is completed",
      [cancelled]: "is cancelled",
    };
    for (const [id, reason] of [...Object.entries(reasons), ["4000000", "it does not exist"]]) {
      const refused = inspector.runOne(id ?? "");
      await expect(refused).rejects.toMatchObject({
        code: "JOB_NOT_RUNNABLE",
        message: expect.stringContaining(reason ?? ""),
      });
    }
  });

  test("waits for its concurrency key", async () => {
    const keyed = defineJob({
      name: "keyed",
      input: anything,
      concurrency: { key: () => "k" },
      run: (ctx) =>
        new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
    });
    const worker = await started([keyed]);
    const { id: holder } = await worker.enqueue(keyed, null);
    await ended(worker, holder, "running");
    const inspector = await started([keyed], inspecting);
    const { id } = await inspector.enqueue(keyed, null, { delayMs: 60_000 });
    await expect(inspector.runOne(id)).rejects.toMatchObject({
      message: expect.stringContaining("concurrency key"),
    });
    await expect(inspector.runOne(holder)).rejects.toMatchObject({
      message: expect.stringContaining("runs it"),
    });
  });
});
