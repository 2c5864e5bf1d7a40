import { createJobRunner, defineJob } from "../../index.ts";
import { anything } from "../anything.ts";

/** Runs one job on the store of the given DSN, if any, and prints the files of all modules that were loaded. */
const dsn = process.argv[2];
if (dsn !== undefined) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const job = defineJob({ name: "job", input: anything, run: () => resolve() });
  const runner = createJobRunner({ dsn, jobs: [job] });
  await runner.start();
  await runner.enqueue(job, null);
  await promise;
  await runner.drain();
}
process.stdout.write(JSON.stringify(Object.keys(require.cache)));
