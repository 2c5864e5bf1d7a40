import { pino } from "pino";
import postgres from "postgres";
import { z } from "zod";
import { createJobRunner, defineJob } from "../../index.ts";

const STEPS = 4;

/** A worker of jobs with steps, a sleep and a wait; each step writes its start into the table `ledger`. */
const sql = postgres(process.env["DATABASE_URL"] ?? "", { max: 3, onnotice: () => undefined });

const journey = defineJob({
  name: "journey",
  input: z.object({ n: z.number() }),
  async run(ctx, { n }) {
    for (let step = 1; step <= STEPS; step += 1) {
      await ctx.step(`step-${step}`, async () => {
        await sql`INSERT INTO ledger (job_id, step) VALUES (${ctx.jobId}, ${`step-${step}`})`;
        await Bun.sleep(5);
        return step * 10 + n;
      });
      if (step === 2) await ctx.sleep("nap", 300);
      if (step === 3) await ctx.waitForEvent("signal", { event: "go", key: `${n % 5}` });
    }
    return n;
  },
});

const runner = createJobRunner({
  sql,
  jobs: [journey],
  concurrency: 10,
  leaseMs: 1500,
  leaseMarginMs: 300,
  maxRecoveries: 100,
  maxBackoffMs: 200,
  logger: pino({ level: "error" }),
});
await runner.start();
process.stdout.write("started\n");
