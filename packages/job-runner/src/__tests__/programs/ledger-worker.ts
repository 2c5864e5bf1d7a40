import { pino } from "pino";
import postgres from "postgres";
import { z } from "zod";
import { createJobRunner, defineJob } from "../../index.ts";

/** A worker that writes each run into the table `ledger`: on entering, and on leaving if its lease still holds. */
const sql = postgres(process.env["DATABASE_URL"] ?? "", { max: 3, onnotice: () => undefined });
const workerId = process.env["WORKER_ID"] ?? "";

const step = defineJob({
  name: "step",
  input: z.object({ key: z.string() }),
  concurrency: { key: ({ key }) => key },
  async run(ctx, { key }) {
    // A frozen process may thaw at any line: each write reads the lease under a lock on the job's row, so that the
    // job cannot be claimed before the write commits, and a worker that lost the job writes nothing.
    const held = () => sql`held AS MATERIALIZED (
      SELECT id FROM jobs WHERE id = ${ctx.jobId}::bigint AND lease_token = ${ctx.leaseToken}::uuid
        AND lease_expires_at > clock_timestamp()
      FOR UPDATE)`;
    const entered = await sql`WITH ${held()}
      INSERT INTO ledger (job_id, token, concurrency_key, worker_id, entered_at)
      SELECT id, ${ctx.leaseToken}::uuid, ${key}, ${workerId}, clock_timestamp() FROM held`;
    if (entered.count === 0) throw new Error("The lease was lost before the first write.");
    await sql`WITH ${held()}
      UPDATE ledger SET left_at = clock_timestamp() FROM held
      WHERE job_id = held.id AND token = ${ctx.leaseToken}::uuid`;
  },
});

const runner = createJobRunner({
  sql,
  jobs: [step],
  workerId,
  concurrency: 10,
  leaseMs: 1500,
  leaseMarginMs: 300,
  maxRecoveries: 50,
  maxBackoffMs: 200,
  logger: pino({ level: "warn" }),
});
await runner.start();
process.on("SIGTERM", async () => {
  await runner.drain(3000);
  await sql.end({ timeout: 1 });
  process.exit(0);
});
process.stdout.write("started\n");
