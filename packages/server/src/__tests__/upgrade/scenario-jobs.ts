import type * as Engine from "@wharf/job-runner";
import { z } from "zod";

type Hooks = {
  /** Called when a step really runs, not when its stored output is read. */
  onStep?: (step: string) => void;
  /** Of a job that runs until its process is killed. */
  holds?: boolean;
  onHeld?: () => void;
  fails?: boolean;
};

const text = z.object({ text: z.string() });

/** The jobs of the scenario for one version of the engine. `hooks` differ between the process that leaves them and the next one. */
export function createJobs({ defineJob, defineSchedule }: typeof Engine, hooks: Hooks) {
  const onStep = hooks.onStep ?? (() => undefined);
  const say = defineJob({ name: "say", input: text, run: (_ctx, input) => `said ${input.text}` });
  const order = defineJob({
    name: "order",
    input: text,
    async run(ctx, input) {
      const invoice = await ctx.step("invoice", () => {
        onStep(`invoice ${input.text}`);
        return `invoice of ${input.text}`;
      });
      const payload = z.object({ cents: z.number() });
      const paid = await ctx.waitForEvent("payment", { event: "paid", key: input.text, payload });
      return ctx.step("ship", () => `${invoice}: ${paid.payload.cents} paid`);
    },
  });
  const nap = defineJob({
    name: "nap",
    input: text,
    async run(ctx, input) {
      await ctx.step("before", () => onStep(`before ${input.text}`));
      await ctx.sleep("nap", 100);
      return "rested";
    },
  });
  const hold = defineJob({
    name: "hold",
    queue: "held",
    input: text,
    concurrency: { key: () => "one at a time" },
    async run(ctx, input) {
      await ctx.step("first", () => onStep(`first ${input.text}`));
      if (!hooks.holds) return `held ${input.text}`;
      hooks.onHeld?.();
      return new Promise<string>(() => undefined);
    },
  });
  const flaky = defineJob({
    name: "flaky",
    input: text,
    maxAttempts: 2,
    backoff: { baseMs: 1 },
    run(_ctx, input) {
      if (hooks.fails) throw new Error("the printer is offline");
      return `printed ${input.text}`;
    },
  });
  const retried = defineJob({
    name: "retried",
    input: text,
    backoff: { baseMs: 60_000, maxMs: 60_000 },
    run(ctx, input) {
      if (hooks.fails) throw new Error("the printer is busy");
      return `${input.text} in attempt ${ctx.attempt}`;
    },
  });
  const mail = defineJob({
    name: "mail",
    queue: "mail",
    input: text,
    run: (_ctx, input) => `sent ${input.text}`,
  });
  const nightly = defineJob({ name: "nightly", input: text, run: () => "counted" });
  const jobs = [say, order, nap, hold, flaky, retried, mail, nightly];
  const schedule = defineSchedule({
    name: "nightly",
    cron: "0 3 * * *",
    job: nightly,
    input: () => ({ text: "tick" }),
  });
  return { say, order, nap, hold, flaky, retried, mail, nightly, jobs, schedule };
}
