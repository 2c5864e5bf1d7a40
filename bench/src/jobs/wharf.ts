import { readdir } from "node:fs/promises";
import { join } from "node:path";
import postgres, { type Sql } from "postgres";
import { z } from "zod";
import { engineOf } from "../checkout.ts";
import type { Engine } from "./measure.ts";

const BULK_CHUNK = 5000;
const POOL_MAX = 5;

const input = z.object({ n: z.number(), text: z.string() });

/** Ours, as it is used: zod, retries and metrics on, history kept in jobs_archive. */
export async function openWharf(url: string, root: string): Promise<Engine> {
  const { createJobRunner, defineJob, jobMigrationsDir } = await engineOf(root);
  const sql = postgres(url, { max: POOL_MAX, onnotice: () => {} });
  const [installed] = await sql`SELECT to_regclass('jobs') AS name`;
  if (installed?.["name"] === null) await migrate(sql, jobMigrationsDir);
  let onJob: (payload: { n: number }) => void = () => {};
  const noop = defineJob({ name: "noop", input, run: async (_ctx, payload) => onJob(payload) });
  const enqueuer = createJobRunner({ sql, jobs: [] });
  let enqueue = enqueuer.enqueue;

  return {
    name: "wharf",
    async clear() {
      await sql`TRUNCATE jobs, jobs_archive, job_concurrency_locks, job_idempotency_keys`;
      await sql`VACUUM ANALYZE jobs`;
      await sql`CHECKPOINT`;
    },
    async bulkEnqueue(count) {
      for (let from = 0; from < count; from += BULK_CHUNK) {
        const length = Math.min(BULK_CHUNK, count - from);
        const inputs = Array.from({ length }, (_, n) => ({ input: { n: from + n, text: "hello" } }));
        await enqueuer.enqueueMany(noop, inputs);
      }
    },
    async work(settings, listener) {
      onJob = listener;
      const concurrency = settings === "c50" ? 50 : 10;
      const runner = createJobRunner({ sql, jobs: [noop], concurrency, handOver: settings !== "notify" });
      await runner.start();
      enqueue = settings === "notify" ? enqueuer.enqueue : runner.enqueue;
      return { stop: () => runner.drain(2000) };
    },
    enqueueOne: (n) => enqueue(noop, { n, text: "hello" }),
    async unfinished() {
      const [row] = await sql<
        { left: number }[]
      >`SELECT count(*)::integer AS left FROM jobs WHERE status <> 'failed'`;
      return row?.left ?? 0;
    },
    close: () => sql.end({ timeout: 1 }),
  };
}

async function migrate(sql: Sql, folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  for (const file of files) await sql.file(join(folder, file)).execute();
}
