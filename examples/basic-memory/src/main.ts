import { createJobRunner, defineJob } from "@wharf/job-runner";
import { config } from "dotenv";
import { z } from "zod";

config({ quiet: true });
const dsn = process.env["JOBS_DSN"] ?? "memory:";

const greet = defineJob({
  name: "greet",
  queue: "examples",
  input: z.object({ name: z.string() }),
  output: z.string(),
  run: (ctx, { name }) => `Hello, ${name}! (job ${ctx.jobId}, attempt ${ctx.attempt})`,
});

const runner = createJobRunner({ dsn, jobs: [greet], maxBackoffMs: 100 });

// In memory there are no tables to make; sqlite:PATH makes its file here, at the first use of the runner.
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
