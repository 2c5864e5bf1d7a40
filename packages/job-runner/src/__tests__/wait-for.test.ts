import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { defineJob, JobWaitTimeoutError } from "../index.ts";
import { useRunners } from "./setup.ts";

const { started, runnerOf } = useRunners();

describe("waiting for a job", () => {
  const echo = defineJob({
    name: "echo",
    input: z.number(),
    output: z.object({ n: z.number() }),
    run: (_ctx, n) => ({ n }),
  });

  test("the output has the type of the job's schema", async () => {
    const runner = await started([echo]);
    const { id } = await runner.enqueue(echo, 3);
    const done = await runner.waitFor(id, { job: echo });
    expect(done.output.n + 1).toBe(4);
  });

  test("throws for a job that does not end in time, is unknown or cancelled, and for an aborted wait", async () => {
    const runner = runnerOf([echo]);
    const { id } = await runner.enqueue(echo, 3);
    await expect(runner.waitFor(id, { timeoutMs: 30 })).rejects.toBeInstanceOf(JobWaitTimeoutError);
    await expect(runner.waitFor(id, { timeoutMs: 0 })).rejects.toThrow("has not ended");
    await expect(runner.waitFor("J-1")).rejects.toThrow("The id of a job: must be a text of digits");
    await expect(runner.waitFor("987654321")).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    const controller = new AbortController();
    const aborted = runner.waitFor(id, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    const cancelled = runner.waitFor(id);
    await runner.cancel(id);
    const error = {
      code: "JOB_FAILED",
      kind: "cancelled",
      message: `Job ${id} was cancelled; the reason is the cause.`,
    };
    await expect(cancelled).rejects.toMatchObject(error);
  });

  test("finds the end of a job of another process by polling", async () => {
    const waiter = runnerOf([echo], { listenSql: false });
    const { id } = await waiter.enqueue(echo, 7);
    const waited = waiter.waitFor(id);
    await started([echo]);
    expect((await waited).output).toEqual({ n: 7 });
  });
});
