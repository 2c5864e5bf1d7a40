import { describe, expect, test } from "bun:test";
import { LOG_LINES_MAX, type NewLogLine } from "../contract/durable-store.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, later, NOW, present, reserve, running, stored } from "./setup.ts";

const line = (message: string): NewLogLine => ({ level: "info", message, fields: null, loggedAt: NOW });

export function describeProgressLog(current: DriverUnderTest): void {
  describe("progress and log", () => {
    test("the progress of a job is part of it, also when it is done", async () => {
      const lease = await running(current());
      expect((await stored(current(), lease.jobId)).progress).toBeNull();
      const progress = { current: 2, total: 5, message: "half" };
      await current().setProgress(lease, progress, { now: later(1) });
      expect(await stored(current(), lease.jobId)).toMatchObject({ progress, updatedAt: later(1) });
      await ack(current(), lease);
      expect((await stored(current(), lease.jobId)).progress).toEqual(progress);
    });

    test("log lines are kept in their order, over several runs, with level, fields and time", async () => {
      const lease = await running(current());
      const first: NewLogLine = { level: "warn", message: "ü", fields: { a: [1] }, loggedAt: later(3) };
      await current().appendLog(lease, [first, line("b")], { now: NOW });
      await current().retry(lease, { error: "x" }, { now: NOW });
      const [again] = await reserve(current());
      await current().appendLog(present(again), [line("c")], { now: NOW });
      const log = await current().logOf(lease.jobId, { limit: 10 });
      expect(log.map((entry) => [entry.line, entry.message])).toEqual([
        [1, "ü"],
        [2, "b"],
        [3, "c"],
      ]);
      expect(log[0]).toEqual({ ...first, line: 1 });
      expect(await current().logOf(lease.jobId, { limit: 1, after: 1 })).toMatchObject([{ message: "b" }]);
    });

    test("a log is bounded: lines beyond the limit are dropped and the job continues", async () => {
      const lease = await running(current());
      const batch = Array.from({ length: LOG_LINES_MAX - 1 }, (_, n) => line(`${n}`));
      await current().appendLog(lease, batch, { now: NOW });
      await current().appendLog(lease, [line("last"), line("too many")], { now: NOW });
      await current().appendLog(lease, [line("too many")], { now: NOW });
      const tail = await current().logOf(lease.jobId, { limit: 10, after: LOG_LINES_MAX - 1 });
      expect(tail.map(({ message }) => message)).toEqual(["last"]);
      await ack(current(), lease);
      expect(await current().logOf(lease.jobId, { limit: 5000 })).toHaveLength(LOG_LINES_MAX);
    });
  });
}
