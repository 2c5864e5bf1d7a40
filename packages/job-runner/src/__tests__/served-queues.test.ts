import { describe, expect, test } from "bun:test";
import { defineJob } from "../index.ts";
import { anything, ended, useRunners } from "./setup.ts";

const { runnerOf, started } = useRunners();
const jobOf = (name: string, queue: string) => defineJob({ name, queue, input: anything, run: () => name });
const mail = jobOf("mail", "mail");
const report = jobOf("report", "report");

for (const store of [{}, { dsn: "sqlite::memory:" }, { dsn: "memory:" }]) {
  describe(`a job that was enqueued to another queue than its own, ${store.dsn ?? "Postgres"}`, () => {
    for (const handOver of [true, false]) {
      test(`runs where that queue belongs to another job${handOver ? "" : ", without a hand-over"}`, async () => {
        const runner = await started([mail, report], { ...store, handOver });
        const { id } = await runner.enqueue(mail, 1, { queue: "report" });
        await ended(runner, id, "completed");
        expect(await runner.get(id)).toMatchObject({ queue: "report", output: "mail" });
      });
    }

    test("runs where that queue is named in `queues`, also when it was enqueued before the start", async () => {
      const runner = runnerOf([mail], { ...store, queues: { urgent: 1 }, handOver: false });
      if (store.dsn === undefined) await runner.enqueue(mail, 1, { queue: "urgent" });
      await runner.start();
      const jobs = await runner.enqueueMany(mail, [{ input: 2 }, { input: 3, queue: "urgent" }]);
      for (const { id } of jobs) await ended(runner, id, "completed");
      const urgent = await runner.list({ queue: "urgent" }, { limit: 9 });
      expect(urgent.map(({ status }) => status)).toEqual(
        store.dsn === undefined ? ["completed", "completed"] : ["completed"],
      );
    });
  });
}

test("a job of an unknown type in a served queue is left to processes that know the type", async () => {
  const runner = await started([report], { queues: { mail: 1 } });
  const { id } = await runner.enqueue(mail, 1);
  const other = await runner.enqueue(report, 1, { queue: "mail" });
  await ended(runner, other.id, "completed");
  expect(await runner.get(id)).toMatchObject({ status: "queued", leaseGeneration: 0 });
  await ended(await started([mail]), id, "completed");
});

test("a job of an unserved queue waits until a runner serves it", async () => {
  const runner = await started([mail]);
  const { id } = await runner.enqueue(mail, 1, { queue: "nightly" });
  await ended(runner, (await runner.enqueue(mail, 2)).id, "completed");
  expect(await runner.get(id)).toMatchObject({ status: "queued", leaseGeneration: 0 });
  await ended(await started([mail], { queues: { nightly: 1 } }), id, "completed");
});
