import { z } from "zod";
import { createJobRunner, defineJob } from "../../index.ts";

/**
 * A worker on the SQLite file of its first argument: enqueues as many jobs as its second says and, on SIGUSR2, runs all
 * there are. A single one is "endless", which never ends. Prints what happens, so that it is known when the process is killed.
 */
const [path, count] = process.argv.slice(2);
const print = (line: string) => process.stdout.write(`${line}\n`);

const endless = defineJob({
  name: "endless",
  input: z.any(),
  concurrency: { key: () => "one at a time" },
  run: async (ctx) => {
    print(`running ${ctx.jobId}`);
    await new Promise(() => undefined);
  },
});
const step = defineJob({
  name: "step",
  input: z.object({ key: z.string() }),
  concurrency: { key: ({ key }) => key },
  run: async (ctx, { key }) => {
    print(`enter ${key} ${performance.timeOrigin + performance.now()} ${ctx.jobId}`);
    await Bun.sleep(3);
    print(`leave ${key} ${performance.timeOrigin + performance.now()} ${ctx.jobId}`);
  },
});

const runner = createJobRunner({
  dsn: `sqlite:${path}`,
  jobs: [endless, step],
  leaseMs: 1000,
  maxBackoffMs: 50,
});
for (let n = 0; n < Number(count); n += 1) {
  const { id } = await (count === "1"
    ? runner.enqueue(endless, null)
    : runner.enqueue(step, { key: `k${n % 3}` }));
  print(`stored ${id}`);
}
const KEEP_ALIVE_MS = 60_000;
setInterval(() => undefined, KEEP_ALIVE_MS);
process.on("SIGUSR2", () => void runner.start());
process.on("SIGTERM", async () => {
  await runner.drain(2000);
  process.exit(0);
});
print("all stored");
