import { join } from "node:path";
import { pino } from "pino";
import { createJobs } from "./scenario-jobs.ts";

/**
 * A program: fills a database with jobs in every state by the engine of CHECKOUT, then holds one until it is killed.
 * Usage: bun leave-jobs.ts CHECKOUT DATABASE_URL. Prints "held" when all is there.
 */
const [checkout = "", url = ""] = process.argv.slice(2);
const engine: typeof import("@wharf/job-runner") = await import(
  join(checkout, "packages/job-runner/src/index.ts")
);
const held = Promise.withResolvers<void>();
const { say, order, nap, hold, flaky, retried, mail, nightly, jobs, schedule } = createJobs(engine, {
  holds: true,
  fails: true,
  onHeld: held.resolve,
});
const runner = engine.createJobRunner({
  dsn: url,
  jobs,
  schedules: [schedule],
  logger: pino({ level: "silent" }),
  maxBackoffMs: 100,
});
await runner.start();

for (const text of ["one", "two", "three"]) await runner.waitFor((await runner.enqueue(say, { text })).id);
const key = { idempotencyKey: "invoice-7" };
await runner.waitFor((await runner.enqueue(say, { text: "once" }, key)).id);
await runner.waitFor((await runner.enqueue(flaky, { text: "dead" })).id).catch(() => undefined);
const failing = await runner.enqueue(retried, { text: "again" });
while ((await runner.get(failing.id))?.attempts !== 1) await Bun.sleep(20);
const cancelled = await runner.enqueue(say, { text: "cancelled" }, { delayMs: 3_600_000 });
await runner.cancel(cancelled.id, "not wanted");
await runner.enqueue(order, { text: "o-1" });
await runner.enqueue(order, { text: "o-2" });
await untilWaiting(2);
await runner.sendEvent({ name: "paid", key: "o-3", payload: { cents: 3 }, id: "payment-3" });
await runner.pauseQueue("mail", "the mail server moves");
await runner.enqueue(mail, { text: "ada" });
await runner.enqueue(nightly, { text: "by hand" }, { runAt: new Date("2091-01-01T00:00:00Z") });
await runner.enqueue(say, { text: "debounced" }, { delayMs: 1, queue: "unserved", replace: { key: "r" } });
await runner.enqueueMany(
  say,
  ["ready 1", "ready 2"].map((text) => ({ input: { text }, queue: "unserved" })),
);
await runner.enqueue(nap, { text: "n-1" });
await runner.enqueue(hold, { text: "h-1" });
await held.promise;
await runner.enqueue(hold, { text: "h-2" });
process.stdout.write("held\n");

async function untilWaiting(count: number): Promise<void> {
  while ((await runner.list({ states: ["waiting"] }, { limit: count })).length < count) await Bun.sleep(20);
}
