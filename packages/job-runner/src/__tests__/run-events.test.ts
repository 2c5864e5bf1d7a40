import { expect, test } from "bun:test";
import { defineJob, type RunEvent, type StartedRun } from "../index.ts";
import { anything, ended, fast, useRunners } from "./setup.ts";

const { started } = useRunners();

test("a subscriber receives the outcome of each run of the process, and may throw", async () => {
  const events: RunEvent[] = [];
  const starts: number[] = [];
  const job = defineJob({
    name: "j",
    input: anything,
    maxAttempts: 2,
    backoff: fast,
    async run(ctx, input) {
      if (input === "sleeps") await ctx.sleep("nap", 1);
      if (input === "fails") throw new Error("no");
    },
  });
  const onRunEnded = (event: RunEvent) => {
    events.push(event);
    throw new Error("a subscriber's own");
  };
  const onRunStarted = ({ attempt }: StartedRun) => {
    starts.push(attempt);
    throw new Error("a subscriber's own");
  };
  const runner = await started([job], { dsn: "memory:", onRunEnded, onRunStarted });
  for (const [input, status] of [
    ["works", "completed"],
    ["sleeps", "completed"],
    ["fails", "failed"],
  ] as const) {
    await ended(runner, (await runner.enqueue(job, input)).id, status);
  }
  expect(events.map(({ kind, attempt }) => [kind, attempt])).toEqual([
    ["completed", 1],
    ["suspended", 1],
    ["completed", 1],
    ["retried", 1],
    ["failed", 2],
  ]);
  expect(starts).toEqual(events.map(({ attempt }) => attempt));
  expect(events[0]).toMatchObject({ jobId: "1", type: "j", queue: "default", ms: expect.any(Number) });
});
