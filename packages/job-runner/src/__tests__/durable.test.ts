import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { z } from "zod";
import { storableJson as json } from "../contract/storable-json.ts";
import {
  defineJob,
  type JobContext,
  JobFailedError,
  type JobRunnerOptions,
  STEP_OUTPUT_MAX_BYTES,
  STEPS_MAX,
  UnrecoverableError,
} from "../index.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";
import { anything, ended, fast, useRunners } from "./setup.ts";

const { database, started, runnerOf } = useRunners();
const STORES: Record<string, () => Partial<JobRunnerOptions>> = {
  Postgres: () => ({}),
  "Postgres without LISTEN": () => ({ listenSql: false }),
  SQLite: () => ({ dsn: "sqlite::memory:" }),
  memory: () => ({ dsn: "memory:" }),
};

const ODD_TEXTS = ["a\0b", "a\ud800"];
const NAMED: Record<string, (ctx: JobContext, text: string) => Promise<unknown>> = {
  "the name of an awaited event": (ctx, event) => ctx.waitForEvent("payment", { event, timeoutMs: 1 }),
  "the key of an awaited event": (ctx, key) =>
    ctx.waitForEvent("payment", { event: "paid", key, timeoutMs: 1 }),
  "the name of a wait": (ctx, name) => ctx.waitForEvent(name, { event: "paid", timeoutMs: 1 }),
  "the name of a sleep": (ctx, name) => ctx.sleep(name, 1),
  "the name of a step": (ctx, name) => ctx.step(name, () => 1),
};

for (const [store, options] of Object.entries(STORES)) {
  describe(`durable jobs on ${store}`, () => {
    test("a resumed job skips its finished steps and gets their results", async () => {
      const ran: string[] = [];
      const seen: unknown[] = [];
      const job = defineJob({
        name: "steps",
        input: anything,
        backoff: fast,
        async run(ctx) {
          const first = await ctx.step("first", () => {
            ran.push("first");
            return { at: new Date("2026-03-01T00:00:00Z"), list: [1] };
          });
          const nothing = await ctx.step("nothing", () => void ran.push("nothing"));
          seen.push(first, nothing);
          return await ctx.step("second", () => {
            ran.push("second");
            if (ctx.attempt === 1) throw new Error("not yet");
            return 2;
          });
        },
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, null);
      expect(await runner.waitFor(id)).toMatchObject({ output: 2, attempts: 1 });
      expect(ran).toEqual(["first", "nothing", "second", "second"]);
      const asJson: unknown = { at: "2026-03-01T00:00:00.000Z", list: [1] };
      expect(seen).toEqual([asJson, undefined, asJson, undefined]);
      expect((await runner.steps(id)).map(({ name }) => name)).toEqual(["first", "nothing", "second"]);
    });

    test("steps may run concurrently, and a running step is finished before the job sleeps", async () => {
      const ran: string[] = [];
      const job = defineJob({
        name: "concurrent",
        input: anything,
        async run(ctx) {
          const slow = ctx.step("slow", async () => {
            await Bun.sleep(20);
            ran.push("slow");
            return 1;
          });
          const [one] = await Promise.all([slow, ctx.sleep("nap", 1)]);
          return one;
        },
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, null);
      expect((await runner.waitFor(id)).output).toBe(1);
      expect(ran).toEqual(["slow"]);
    });

    test("abandoned steps and waits of a suspended run cause no errors", async () => {
      const job = defineJob({
        name: "unawaited",
        input: anything,
        backoff: fast,
        async run(ctx) {
          const failing = ctx.step("failing", async () => {
            await Bun.sleep(10);
            throw new Error("not handled in the first run");
          });
          const event = ctx.waitForEvent("event", { event: "go", timeoutMs: 5 });
          await ctx.sleep("nap", 5);
          return [await failing.catch(() => "failed"), (await event) ?? "timed out"];
        },
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, null);
      expect((await runner.waitFor(id)).output).toEqual(["failed", "timed out"]);
    });

    test("a sleeping job frees its slot and its key, counts no attempt and resumes by itself", async () => {
      const log: string[] = [];
      const sleeper = defineJob({
        name: "sleeper",
        input: z.string(),
        concurrency: { key: () => "k" },
        async run(ctx, name) {
          await ctx.step("start", () => void log.push(`${name} starts`));
          if (name === "first") await ctx.sleep("nap", 150);
          await ctx.step("end", () => void log.push(`${name} ends`));
        },
      });
      const runner = await started([sleeper], { concurrency: 1, ...options() });
      const first = await runner.enqueue(sleeper, "first");
      const second = await runner.enqueue(sleeper, "second");
      await runner.waitFor(second.id);
      expect(log).toEqual(["first starts", "second starts", "second ends"]);
      expect(await runner.waitFor(first.id)).toMatchObject({ attempts: 0, recoveries: 0 });
      expect(log.at(-1)).toBe("first ends");
    });

    test("code that catches the suspension, or throws another error, is suspended as well", async () => {
      for (const after of [() => "swallowed", () => Promise.reject(new UnrecoverableError("wrapped"))]) {
        const job = defineJob({
          name: "swallows",
          input: anything,
          async run(ctx) {
            try {
              await ctx.sleep("nap", 30);
            } catch {
              return after();
            }
            return "slept";
          },
        });
        const runner = await started([job], options());
        const { id } = await runner.enqueue(job, null);
        expect((await runner.waitFor(id)).output).toBe("slept");
        await runner.drain(200);
      }
    });

    test("a job waits for its event, gets the checked payload and resumes", async () => {
      const job = defineJob({
        name: "payment",
        input: z.string(),
        async run(ctx, order) {
          const schema = z.object({ sum: z.number() });
          const paid = await ctx.waitForEvent("payment", { event: "paid", key: order, payload: schema });
          return paid.payload.sum;
        },
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, "o-1");
      await until(async () => (await runner.get(id))?.runAt === "infinity");
      await runner.sendEvent({ name: "paid", key: "o-2", payload: { sum: 1 } });
      const sent = await runner.sendEvent({ name: "paid", key: "o-1", payload: { sum: 5 }, id: "p-1" });
      const again = await runner.sendEvent({ name: "paid", key: "o-1", payload: { sum: 6 }, id: "p-1" });
      expect(again).toEqual({ id: sent.id, existed: true });
      expect((await runner.waitFor(id)).output).toBe(5);
    });

    test("an event that was sent before the job waits is found, and a wait may time out", async () => {
      const job = defineJob({
        name: "early",
        input: anything,
        async run(ctx) {
          await ctx.sleep("nap", 60);
          const early = await ctx.waitForEvent("early", { event: "go" });
          const never = await ctx.waitForEvent("never", { event: "go", timeoutMs: 20 });
          return { early: early.payload, never: never ?? "timed out" };
        },
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, null);
      await until(async () => (await runner.steps(id)).length === 1);
      await runner.sendEvent({ name: "go", payload: 1 });
      expect((await runner.waitFor(id)).output).toEqual({ early: 1, never: "timed out" });
    });

    for (const [what, runWith] of Object.entries(NAMED)) {
      test(`${what} that stores would change makes the job a dead letter immediately`, async () => {
        const job = defineJob({
          name: "odd",
          input: z.number(),
          run: (ctx, n) => runWith(ctx, ODD_TEXTS[n] ?? ""),
        });
        const runner = await started([job], options());
        for (const n of ODD_TEXTS.keys()) {
          const { id } = await runner.enqueue(job, n);
          const ending = runner.waitFor(id, { timeoutMs: 10_000 });
          await expect(ending).rejects.toMatchObject({ kind: "unrecoverable" });
          const record = await runner.get(id);
          expect(record).toMatchObject({
            attempts: 1,
            lastError: expect.stringMatching(/^JobOptionError: .* NUL/),
          });
          expect(await runner.steps(id)).toEqual([]);
        }
      });
    }

    test("a payload that does not match makes a dead letter, without its values in the error", async () => {
      const job = defineJob({
        name: "picky",
        input: anything,
        run: (ctx) => ctx.waitForEvent("go", { event: "go", payload: z.object({ n: z.number() }) }),
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, null);
      await runner.sendEvent({ name: "go", payload: { n: "secret" } });
      await ended(runner, id, "failed");
      const record = await runner.get(id);
      expect(record).toMatchObject({ attempts: 1, failureKind: "unrecoverable" });
      expect(record?.lastError).toContain("The event of job type picky does not match its schema: n");
      expect(record?.lastError).not.toContain("secret");
    });

    test("progress and log are kept with the job", async () => {
      const job = defineJob({
        name: "tells",
        input: anything,
        run(ctx) {
          ctx.log("started", { n: 1 });
          for (let n = 1; n <= 100; n += 1) ctx.progress(n, 100, `file ${n}`);
          ctx.log("warn", "x".repeat(5000), { big: "y".repeat(5000) });
        },
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, null);
      const done = await runner.waitFor(id);
      expect(done.progress).toEqual({ current: 100, total: 100, message: "file 100" });
      const log = await runner.log(id, { limit: 10 });
      expect(log).toMatchObject([
        { line: 1, level: "info", message: "started", fields: { n: 1 } },
        { line: 2, level: "warn", fields: { dropped: "more than 4000 bytes" } },
      ]);
      expect(log[1]?.message).toHaveLength(2000);
    });

    test("a failed attempt keeps its progress and log", async () => {
      const job = defineJob({
        name: "tells-and-fails",
        input: anything,
        maxAttempts: 1,
        run(ctx) {
          ctx.log("about to fail");
          ctx.progress(1);
          throw new Error("x");
        },
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, null);
      const failure = await runner.waitFor(id).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(JobFailedError);
      expect(failure).toMatchObject({ cause: { message: "Error: x" } });
      expect((await runner.get(id))?.progress).toEqual({ current: 1, total: null, message: null });
      expect(await runner.log(id, { limit: 10 })).toHaveLength(1);
    });
  });
}

describe("invalid steps", () => {
  const failures: Record<string, [string, Parameters<typeof defineJob>[0]["run"]]> = {
    "two steps of one name": [
      'step "a" was started twice in one run',
      async (ctx) => {
        await ctx.step("a", () => 1);
        await ctx.sleep("a", 1);
      },
    ],
    "a step without a name": ["1 to 200 characters", (ctx) => ctx.step("", () => 1)],
    "an output that is too large": [
      `more than ${STEP_OUTPUT_MAX_BYTES} bytes`,
      (ctx) => ctx.step("a", () => "x".repeat(STEP_OUTPUT_MAX_BYTES)),
    ],
    "too many steps": [
      `at most ${STEPS_MAX} steps`,
      async (ctx) => {
        const names = Array.from({ length: STEPS_MAX + 1 }, (_, n) => `step-${n}`);
        await Promise.all(names.map((name) => ctx.step(name, () => 1)));
      },
    ],
  };
  for (const [what, [message, run]] of Object.entries(failures)) {
    test(`${what} make the job a dead letter immediately, with the reason`, async () => {
      const job = defineJob({ name: "wrong", input: anything, run });
      const runner = await started([job], { dsn: "memory:" });
      const { id } = await runner.enqueue(job, null);
      await expect(runner.waitFor(id)).rejects.toMatchObject({ code: "JOB_FAILED", kind: "unrecoverable" });
      expect((await runner.get(id))?.lastError).toContain(message);
    });
  }

  test("an invalid time to sleep fails the attempt and suspends nothing", async () => {
    const job = defineJob({
      name: "wrong",
      input: anything,
      maxAttempts: 1,
      run: (ctx) => ctx.sleep("nap", Number.NaN),
    });
    const runner = await started([job], { dsn: "memory:" });
    const { id } = await runner.enqueue(job, null);
    await expect(runner.waitFor(id)).rejects.toBeInstanceOf(JobFailedError);
    expect(await runner.steps(id)).toEqual([]);
  });

  test("a step of a run that lost its job is rejected, and the new holder runs it", async () => {
    const entered: number[] = [];
    const gate = Promise.withResolvers<void>();
    const job = defineJob({
      name: "lost",
      input: anything,
      async run(ctx) {
        await ctx.step("slow", async () => {
          entered.push(entered.length);
          if (entered.length === 1) await gate.promise;
          return ctx.leaseToken;
        });
        return ctx.leaseToken;
      },
    });
    const runner = await started([job]);
    const { id } = await runner.enqueue(job, null);
    await until(() => entered.length === 1);
    await database.sql`UPDATE jobs SET status = 'queued', locked_at = NULL, locked_by = NULL WHERE id = ${id}`;
    await until(() => entered.length === 2);
    gate.resolve();
    const done = await runner.waitFor(id);
    const [step] = await runner.steps(id);
    expect(step?.output).toBe(done.output);
    expect(entered).toHaveLength(2);
  });
});

test("an event whose sender died before the delivery is delivered by another runner", async () => {
  const job = defineJob({
    name: "waits",
    input: anything,
    run: async (ctx) => (await ctx.waitForEvent("go", { event: "go" })).payload,
  });
  const runner = await started([job], { listenSql: false });
  const { id } = await runner.enqueue(job, null);
  await until(async () => (await runner.get(id))?.runAt === "infinity");
  await createPostgresDriver({ sql: database.sql }).storeEvent({
    name: "go",
    key: "",
    payload: json("late"),
  });
  expect((await runner.waitFor(id)).output).toBe("late");
});

describe("events in transactions", () => {
  test("an event is known if and only if its transaction commits, and then wakes the job", async () => {
    const job = defineJob({
      name: "waits",
      input: anything,
      run: async (ctx) => (await ctx.waitForEvent("go", { event: "go" })).payload,
    });
    const runner = await started([job]);
    const { id } = await runner.enqueue(job, null);
    await until(async () => (await runner.get(id))?.runAt === "infinity");
    const rolledBack = database.sql.begin(async (transaction) => {
      await runner.sendEvent({ name: "go", payload: "never" }, { transaction });
      throw new Error("no");
    });
    await expect(rolledBack).rejects.toThrow("no");
    await database.sql.begin(async (transaction) => {
      await runner.sendEvent({ name: "go", payload: "yes" }, { transaction });
    });
    expect((await runner.waitFor(id)).output).toBe("yes");
  });

  test("a transaction is rejected by stores without transactions", async () => {
    const runner = runnerOf([], { dsn: "memory:" });
    const send = runner.sendEvent({ name: "go", payload: 1 }, { transaction: database.sql });
    await expect(send).rejects.toMatchObject({ code: "JOB_UNSUPPORTED" });
  });
});
