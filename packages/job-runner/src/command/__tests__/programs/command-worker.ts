import { pino } from "pino";
import { createJobRunner, defineCommandJob } from "../../../index.ts";
import { createMemoryDriver } from "../../../stores/memory/memory.ts";
import { createTestStore, PATH } from "../setup.ts";

/** A worker that runs one bash script as a command job below the given folder, and prints its outcome. */
const [folder = "", outside = "", script = "", silence = "20000"] = process.argv.slice(2);

const job = defineCommandJob({
  folder,
  store: createTestStore(),
  path: PATH,
  workerSilenceMs: Number(silence),
});
const runner = createJobRunner({
  driver: createMemoryDriver(),
  jobs: [job],
  maxAttempts: 1,
  logger: pino({ level: "silent" }),
});
await runner.start();
const { id } = await runner.enqueue(job, { command: ["bash", "-c", script], env: { OUT: outside } });
for (;;) {
  const found = await runner.get(id);
  if (found?.status === "failed") process.stdout.write(`failed: ${found.lastError}\n`);
  if (found?.status === "completed") process.stdout.write("completed\n");
  if (found?.status === "failed" || found?.status === "completed") break;
  await Bun.sleep(10);
}
process.exit(0);
