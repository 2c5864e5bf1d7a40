import pg from "pg";
import { PgBoss } from "pg-boss";
import type { Engine } from "./measure.ts";

const BULK_CHUNK = 5000;
const QUEUE = "noop";

const SETTINGS = {
  default: { localConcurrency: 10, pollingIntervalSeconds: 0.5 },
  b1000w4: { localConcurrency: 4, batchSize: 1000, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true },
  b2000w2: { localConcurrency: 2, batchSize: 2000, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true },
  notify: { localConcurrency: 4, pollingIntervalSeconds: 0.5 },
};

export async function openPgBoss(url: string): Promise<Engine> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const boss = new PgBoss({
    connectionString: url,
    max: 12,
    useListenNotify: true,
    supervise: true,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    queueCacheIntervalSeconds: 1,
  });
  boss.on("error", () => {});
  await boss.start();

  return {
    name: "pg-boss",
    async clear() {
      if (await boss.getQueue(QUEUE)) await boss.deleteQueue(QUEUE);
      await boss.createQueue(QUEUE, { notify: true });
      await client.query("VACUUM ANALYZE pgboss.job_common");
      await client.query("CHECKPOINT");
    },
    async bulkEnqueue(count) {
      for (let from = 0; from < count; from += BULK_CHUNK) {
        const length = Math.min(BULK_CHUNK, count - from);
        await boss.insert(
          QUEUE,
          Array.from({ length }, (_, n) => ({ data: { n: from + n, text: "hello" } })),
        );
      }
    },
    async work(settings, onJob) {
      await boss.work<{ n: number }>(QUEUE, SETTINGS[settings as keyof typeof SETTINGS], async (jobs) => {
        for (const job of jobs) onJob(job.data);
      });
      return { stop: () => boss.offWork(QUEUE, { wait: true }) };
    },
    enqueueOne: (n) => boss.send(QUEUE, { n, text: "hello" }),
    async unfinished() {
      const { rows } = await client.query<{ left: string }>(
        "SELECT count(*) AS left FROM pgboss.job WHERE name = $1 AND state <> 'completed'",
        [QUEUE],
      );
      return Number(rows[0]?.left);
    },
    async close() {
      await boss.stop({ graceful: false });
      await client.end();
    },
  };
}
