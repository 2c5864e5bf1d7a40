import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { defineJob, JobKeyTakenError } from "../index.ts";
import { anything, ended, useRunners } from "./setup.ts";

const { runnerOf, started } = useRunners();
const STORES = [{}, { dsn: "sqlite::memory:" }, { dsn: "memory:" }];

for (const store of STORES) {
  describe(store.dsn ?? "Postgres", () => {
    test("an idempotency key that is known for a job of another type is refused, and stores nothing", async () => {
      const [mail, report] = ["mail", "report"].map((name) =>
        defineJob({ name, input: anything, run: () => name }),
      );
      if (mail === undefined || report === undefined) return;
      const runner = runnerOf([], store);
      const { id } = await runner.enqueue(mail, 1, { idempotencyKey: "k" });
      const other = runner.enqueue(report, 1, { idempotencyKey: "k" });
      await expect(other).rejects.toThrow(new JobKeyTakenError("report", { id, type: "mail" }).message);
      const many = runner.enqueueMany(report, [
        { input: 1, idempotencyKey: "k" },
        { input: 2, idempotencyKey: "l" },
      ]);
      await expect(many).rejects.toMatchObject({ code: "JOB_KEY_TAKEN" });
      expect(await runner.enqueue(mail, 2, { idempotencyKey: "k" })).toEqual({ id, existed: true });
      expect((await runner.list({ type: "report" }, { limit: 9 })).map((job) => job.idempotencyKey)).toEqual([
        "l",
      ]);
    });

    test("a step that failed and was caught runs again after a sleep; one that caught its error itself does not", async () => {
      const runs: string[] = [];
      const job = defineJob({
        name: "steps",
        input: anything,
        async run(ctx) {
          const fail = (name: string) => () => {
            runs.push(name);
            throw new Error("declined");
          };
          await ctx.step("outside", fail("outside")).catch(() => undefined);
          await ctx.step("inside", () => Promise.try(fail("inside")).catch(() => "declined"));
          await ctx.sleep("nap", 5);
        },
      });
      const runner = await started([job], store);
      const { id } = await runner.enqueue(job, 1);
      await ended(runner, id, "completed");
      expect(runs.sort()).toEqual(["inside", "outside", "outside"]);
    });

    test("a cancelled run that ignores its signal does not keep its key from the next job, and its end changes nothing", async () => {
      const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      let starts = 0;
      const job = defineJob({
        name: "deaf",
        input: anything,
        concurrency: { key: () => "k" },
        run: () => gates[starts++]?.promise,
      });
      const runner = await started([job], store);
      const first = await runner.enqueue(job, 1);
      const second = await runner.enqueue(job, 2);
      await until(() => starts === 1, { describe: "the first run" });
      await runner.cancel(first.id, "enough");
      await until(() => starts === 2, { describe: "the second run, concurrent with the first" });
      gates[0]?.resolve();
      gates[1]?.resolve();
      await ended(runner, second.id, "completed");
      expect(await runner.get(first.id)).toMatchObject({ status: "failed", failureKind: "cancelled" });
    });
  });
}

test("jobs in a process whose event loop is blocked beyond the lease run again, and no attempt is counted", async () => {
  const blocked = Promise.withResolvers<void>();
  let blocks = 0;
  const blocker = defineJob({
    name: "blocker",
    input: anything,
    run() {
      blocks += 1;
      if (blocks > 1) return;
      Bun.sleepSync(600);
      blocked.resolve();
    },
  });
  let runs = 0;
  const neighbour = defineJob({
    name: "neighbour",
    input: anything,
    async run(ctx) {
      runs += 1;
      if (runs === 1) await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
    },
  });
  const runner = await started([blocker, neighbour], { leaseMs: 300 });
  const { id } = await runner.enqueue(neighbour, 1);
  await until(() => runs === 1, { describe: "the neighbour to run" });
  await runner.enqueue(blocker, 1);
  await blocked.promise;
  await ended(runner, id, "completed");
  const job = await runner.get(id);
  expect(job?.attempts).toBe(0);
  // On a busy machine, a lease of 300 ms is lost more than once.
  expect(job?.recoveries).toBeGreaterThan(0);
});
