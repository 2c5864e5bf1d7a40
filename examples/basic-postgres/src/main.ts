import { createJobRunner, defineJob } from "@wharf/job-runner";
import { config } from "dotenv";
import { z } from "zod";

config({ quiet: true });
const dsn = process.env["DATABASE_URL"];
if (!dsn) throw new Error("Set DATABASE_URL: copy .env.example to .env, and put your database in.");

const greet = defineJob({
  name: "greet",
  queue: "examples",
  input: z.object({ name: z.string() }),
  output: z.string(),
  run: (ctx, { name }) => `Hello, ${name}! (job ${ctx.jobId}, attempt ${ctx.attempt})`,
});

const runner = createJobRunner({ dsn, jobs: [greet], maxBackoffMs: 100 });

// The first use of the runner makes the tables, or brings them up to date.
const now = await runner.enqueue(greet, { name: "Ada" });
const later = await runner.enqueueMany(
  greet,
  ["Grace", "Edsger", "Barbara"].map((name, n) => ({ input: { name }, delayMs: 300 * (n + 1) })),
);
console.log(`enqueued 1 job for now and ${later.length} for later`);

await runner.start();
for (const { id } of [now, ...later]) {
  const { output } = await runner.waitFor(id, { job: greet });
  console.log(output);
}

const { completed, failed } = runner.stats();
console.log(`${completed} completed, ${failed} failed`);
await runner.drain();
