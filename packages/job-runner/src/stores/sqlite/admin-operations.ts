import type { AdminStore } from "../../contract/admin-store.ts";
import { BULK_BATCH } from "./administration.ts";
import type { Parts } from "./parts.ts";
import { bounded } from "./queue-stats.ts";
import { microsOf } from "./times.ts";

/** Operations of operators on SQLite. */
export function adminOperations(parts: Parts): AdminStore {
  const { write, administration, lease, select, queueStats } = parts;

  return {
    list: async (filter, page, at) => select.list(filter, page, microsOf(at)),
    count: async (filter, at) => bounded(select.count(filter, microsOf(at))),
    async cancelAll(filter, reason, at) {
      const now = microsOf(at);
      const ids: string[] = [];
      for (;;) {
        const batch = await write(() => administration.cancelBatch(filter, reason, now));
        ids.push(...batch.ids);
        if (!batch.more) return ids;
      }
    },
    async requeue(filter, options) {
      const now = microsOf(options);
      const keepAttempts = options?.keepAttempts ?? false;
      for (let total = 0; ; ) {
        const count = await write(() => administration.requeueBatch(filter, keepAttempts, now));
        total += count;
        if (count < BULK_BATCH) return total;
      }
    },
    async remove(filter, at) {
      const now = microsOf(at);
      for (let total = 0; ; ) {
        const { count, more } = await write(() => administration.removeBatch(filter, now));
        total += count;
        if (!more) return total;
      }
    },
    reschedule: (jobId, change, at) => write(() => administration.reschedule(jobId, change, microsOf(at))),
    reserveOne: (jobId, request, at) =>
      write(() => {
        const held = { ...request, token: crypto.randomUUID() };
        return administration.canRun(jobId) ? lease(jobId, held, microsOf(at)) : undefined;
      }),
    queueStats: async (alsoQueues = [], at) => queueStats(alsoQueues, microsOf(at)),
    pauseQueue: (queue, reason, at) => write(() => administration.pause(queue, reason, microsOf(at))),
    resumeQueue: (queue) => write(() => administration.resume(queue)),
    runningJobs: async (limit) => select.runningJobs(limit),
    workers: async () => administration.workers(),
  };
}
