import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import type { Engine } from "./measure.ts";

const BULK_CHUNK = 5000;
const POOL_MAX = 14;
const TABLE = "graphile_worker._private_jobs";

const BATCHED = { completeJobBatchDelay: 0, failJobBatchDelay: 0 };
const SETTINGS = {
  default: { concurrentJobs: 10 },
  q500: { concurrentJobs: 24, localQueue: { size: 500 }, ...BATCHED },
  q2000: { concurrentJobs: 10, localQueue: { size: 2000 }, ...BATCHED },
  c200: { concurrentJobs: 200, localQueue: { size: 2000 }, ...BATCHED },
};

export async function openGraphile(url: string): Promise<Engine> {
  const pgPool = new pg.Pool({ connectionString: url, max: POOL_MAX });
  pgPool.on("error", () => {});
  pgPool.on("connect", (client) => client.on("error", () => {}));
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();

  return {
    name: "graphile-worker",
    async clear() {
      await pgPool.query(`TRUNCATE ${TABLE}`);
      await pgPool.query(`VACUUM ANALYZE ${TABLE}`);
      await pgPool.query("CHECKPOINT");
    },
    async bulkEnqueue(count) {
      for (let from = 0; from < count; from += BULK_CHUNK) {
        const length = Math.min(BULK_CHUNK, count - from);
        const payload = (n: number) => ({ n: from + n, text: "hello" });
        await utils.addJobs(Array.from({ length }, (_, n) => ({ identifier: "noop", payload: payload(n) })));
      }
    },
    async work(settings, onJob) {
      const worker = SETTINGS[settings as keyof typeof SETTINGS];
      const taskList = { noop: async (payload: unknown) => onJob(payload as { n: number }) };
      const preset = { worker: { ...worker, maxPoolSize: 12 } };
      const runner = await run({ pgPool, logger, noHandleSignals: true, taskList, preset });
      return { stop: () => runner.stop() };
    },
    enqueueOne: (n) => utils.addJob("noop", { n, text: "hello" }),
    async unfinished() {
      const { rows } = await pgPool.query<{ left: string }>(`SELECT count(*) AS left FROM ${TABLE}`);
      return Number(rows[0]?.left);
    },
    async close() {
      await utils.release();
      await pgPool.end();
    },
  };
}
