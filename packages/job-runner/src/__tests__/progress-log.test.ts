import { describe, expect, test } from "bun:test";
import { logFields, logText } from "../engine/log-text.ts";
import { defineJob, type JobContext } from "../index.ts";
import { anything, useRunners } from "./setup.ts";

const { started } = useRunners();
const refuse = () => {
  throw new Error("no");
};
const circular: Record<string, unknown> = { a: 1 };
circular["self"] = circular;

describe("log fields that JSON cannot represent", () => {
  test("become text, individually", () => {
    expect(logFields({ big: 12n, fine: 1, deep: { big: 3n } })).toEqual({
      big: "12",
      fine: 1,
      deep: { big: "3" },
    });
    expect(logFields({ ...circular, fine: 1 })).toMatchObject({ a: 1, fine: 1 });
    const throwing = Object.defineProperty({ fine: 1 }, "bad", { get: refuse, enumerable: true });
    expect(logFields(throwing)).toEqual({ fine: 1, bad: "cannot be shown: no" });
    expect(logFields({ bad: { toJSON: refuse }, call: refuse })).toMatchObject({
      bad: "cannot be shown: no",
    });
    expect(logFields(new Proxy({}, { ownKeys: refuse }))).toEqual({ dropped: "fields that cannot be read" });
    expect(logText(Object.create(null))).toBe("a value of type object that cannot be shown");
  });

  const runs: Record<string, (ctx: JobContext) => void> = {
    "a log with a bigint": (ctx) => ctx.log("x", { big: 1n }),
    "a log with circular fields": (ctx) => ctx.log("warn", "x", circular),
    "a log with a getter that throws": (ctx) => ctx.log("x", new Proxy({}, { ownKeys: refuse, get: refuse })),
    "a progress of NaN": (ctx) => ctx.progress(0, Number.NaN),
    "an infinite progress": (ctx) => ctx.progress(Number.POSITIVE_INFINITY, 1, "far"),
    "a log at a level that is none": (ctx) => Reflect.apply(ctx.log, ctx, ["loud", "x"]),
    "a log whose message is no text": (ctx) => Reflect.apply(ctx.log, ctx, [Object.create(null)]),
    "a progress whose message is no text": (ctx) => Reflect.apply(ctx.progress, ctx, [1, 1, Symbol("s")]),
  };
  for (const [what, run] of Object.entries(runs)) {
    test(`do not end the run: ${what}`, async () => {
      const job = defineJob({ name: "notes", input: anything, maxAttempts: 1, run });
      const runner = await started([job], { dsn: "sqlite::memory:" });
      const { id } = await runner.enqueue(job, null);
      const done = await runner.waitFor(id);
      expect((await runner.log(id, { limit: 5 })).length + Number(done.progress !== null)).toBe(1);
    });
  }

  test("are kept in the message if a number is invalid", async () => {
    const job = defineJob({
      name: "notes",
      input: anything,
      run: (ctx) => ctx.progress(3, Number.NaN, "copying"),
    });
    const runner = await started([job], { dsn: "memory:" });
    const { progress } = await runner.waitFor((await runner.enqueue(job, null)).id);
    expect(progress).toEqual({ current: 3, total: null, message: "copying; total was NaN" });
  });
});
