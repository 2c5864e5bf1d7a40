import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { defineJob, type JobRunnerOptions, JSON_MAX_BYTES } from "../index.ts";
import { anything, fast, useRunners } from "./setup.ts";

const { started } = useRunners();
const STORES: Record<string, () => Partial<JobRunnerOptions>> = {
  Postgres: () => ({}),
  SQLite: () => ({ dsn: "sqlite::memory:" }),
  memory: () => ({ dsn: "memory:" }),
};
const WAYS: Record<string, Partial<JobRunnerOptions>> = { queued: { handOver: false }, "handed over": {} };

for (const [store, options] of Object.entries(STORES)) {
  for (const [way, wayOptions] of Object.entries(WAYS)) {
    describe(`the input of a job that is ${way} on ${store}`, () => {
      test("is the same in the first run and in a retry: its JSON representation", async () => {
        const seen: unknown[] = [];
        const job = defineJob({
          name: "sees",
          input: anything,
          backoff: fast,
          run(ctx, input) {
            seen.push(structuredClone(input));
            input.list.push("changed by the run");
            if (ctx.attempt === 1) throw new Error("again");
          },
        });
        const runner = await started([job], { ...options(), ...wayOptions });
        const input = {
          at: new Date("2026-03-01T00:00:00Z"),
          map: new Map([[1, 2]]),
          nothing: undefined,
          nan: Number.NaN,
          list: [undefined, new Set([1])],
          text: "a\0b\ud800",
        };
        await runner.waitFor((await runner.enqueue(job, input)).id);
        const carried = {
          at: "2026-03-01T00:00:00.000Z",
          map: {},
          nan: null,
          list: [null, {}],
          text: "a\ufffdb\ufffd",
        };
        expect(seen).toEqual([carried, carried]);
      });

      test("does not follow what the caller changes after the call", async () => {
        const job = defineJob({ name: "echoes", input: anything, run: (_ctx, input) => input });
        const runner = await started([job], { ...options(), ...wayOptions });
        const input = { n: 1 };
        const enqueued = runner.enqueue(job, input);
        input.n = 2;
        expect((await runner.waitFor((await enqueued).id)).output).toEqual({ n: 1 });
      });

      test("is rejected at the enqueue if JSON cannot represent a value that its schema accepts", async () => {
        const inputs: [z.ZodType, unknown][] = [
          [z.object({ at: z.date() }), { at: new Date() }],
          [z.map(z.string(), z.number()), new Map()],
          [z.bigint(), 1n],
          [z.nan(), Number.NaN],
          [z.undefined(), undefined],
          [z.instanceof(URL), new URL("http://a/")],
        ];
        for (const [input, value] of inputs) {
          const job = defineJob({ name: "typed", input, run: () => 1 });
          const runner = await started([job], { ...options(), ...wayOptions });
          await expect(runner.enqueue(job, value)).rejects.toMatchObject({
            code: "JOB_SCHEMA",
            side: "input",
            message: expect.stringMatching(/JSON.*[^.]\.$/),
          });
          await runner.drain(100);
        }
      });
    });
  }

  describe(`values on ${store}`, () => {
    test("an output, a step's result and an event do not follow later changes", async () => {
      const output = { n: 1 };
      const stepped = { n: 1 };
      const job = defineJob({
        name: "returns",
        input: anything,
        async run(ctx) {
          const result = await ctx.step("one", () => stepped);
          stepped.n = 2;
          const event = await ctx.waitForEvent("go", { event: "go" });
          setImmediate(() => {
            output.n = 2;
          });
          return { output, result, event: event.payload };
        },
      });
      const runner = await started([job], options());
      const { id } = await runner.enqueue(job, null);
      const payload = { n: 1 };
      const sent = runner.sendEvent({ name: "go", payload });
      payload.n = 2;
      await sent;
      const done = await runner.waitFor(id);
      expect(done.output).toEqual({ output: { n: 1 }, result: { n: 1 }, event: { n: 1 } });
      if (done.output instanceof Object) Reflect.set(done.output, "output", "changed");
      expect((await runner.get(id))?.output).toEqual({ output: { n: 1 }, result: { n: 1 }, event: { n: 1 } });
    });

    test("that JSON cannot represent, or that are too large, are rejected with a typed error", async () => {
      const job = defineJob({ name: "takes", input: anything, run: () => 1 });
      const runner = await started([job], options());
      const circular: Record<string, unknown> = {};
      circular["self"] = circular;
      const large = "x".repeat(JSON_MAX_BYTES);
      for (const value of [1n, circular, large]) {
        await expect(runner.enqueue(job, value)).rejects.toMatchObject({ code: "JOB_SCHEMA" });
        const sending = runner.sendEvent({ name: "e", payload: value });
        await expect(sending).rejects.toMatchObject({ code: "JOB_JSON_INVALID" });
      }
    });
  });
}

test("coerced and transformed inputs are stored as given and read by the run", async () => {
  const input = z.object({ at: z.coerce.date(), n: z.number().default(3) });
  const job = defineJob({ name: "coerced", input, run: (_ctx, { at, n }) => [at.getTime(), n] });
  const runner = await started([job], { dsn: "memory:" });
  const { id } = await runner.enqueue(job, { at: new Date(5) });
  expect(await runner.waitFor(id)).toMatchObject({
    output: [5, 3],
    payload: { at: "1970-01-01T00:00:00.005Z" },
  });
});
