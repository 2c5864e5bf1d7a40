import type { AdminStore, JobChange, JobFilter, QueueStats } from "../contract/admin-store.ts";
import type { JobDefinition } from "./define-job.ts";
import type { Metrics } from "./metrics.ts";
import type { Settings } from "./settings.ts";
import type { Workforce } from "./workforce.ts";

/** Operations of operators on the jobs of every process; workers of this process are notified immediately. */
export type Administration = {
  /** Cancels the matching queued and running jobs; returns their number. */
  cancelAll(filter: JobFilter, reason?: string): Promise<number>;
  /** Requeues matching dead letters; cancelled jobs only if `states` includes them. */
  requeue(filter: JobFilter, options?: { keepAttempts?: boolean }): Promise<number>;
  /** Changes the time and priority of a ready or scheduled job; false when it is in another state. */
  reschedule(jobId: string, change: JobChange): Promise<boolean>;
  /** No process claims from the queue until it is resumed. */
  pauseQueue(queue: string, reason?: string | null): Promise<boolean>;
  resumeQueue(queue: string): Promise<boolean>;
  /** Figures of all queues that hold jobs, are paused, are served by this process, or are named. */
  queues(alsoQueues?: readonly string[]): Promise<QueueStats[]>;
  /** The job types of this process, by name. */
  readonly definitions: ReadonlyMap<string, JobDefinition>;
} & Pick<AdminStore, "count" | "list" | "remove" | "workers">;

export function createAdministration(
  { driver, jobs, queues: served }: Settings,
  metrics: Metrics,
  workforce: Workforce,
  onEnded: (jobId: string) => void,
): Administration {
  async function cancelAll(filter: JobFilter, reason = "cancelled"): Promise<number> {
    const ids = await driver.cancelAll(filter, reason);
    metrics.count("failed", ids.length);
    for (const id of ids) {
      workforce.cancelled(id);
      onEnded(id);
    }
    if (ids.length > 0) workforce.wakeAll();
    return ids.length;
  }

  async function requeue(filter: JobFilter, options?: { keepAttempts?: boolean }): Promise<number> {
    const count = await driver.requeue(filter, options);
    if (count > 0) workforce.wakeAll();
    return count;
  }

  async function reschedule(jobId: string, change: JobChange): Promise<boolean> {
    const isChanged = await driver.reschedule(jobId, change);
    if (isChanged) workforce.wakeAll();
    return isChanged;
  }

  const pauseQueue = (queue: string, reason: string | null = null): Promise<boolean> =>
    driver.pauseQueue(queue, reason);

  async function resumeQueue(queue: string): Promise<boolean> {
    const isResumed = await driver.resumeQueue(queue);
    if (isResumed) workforce.workerOf(queue)?.wake();
    return isResumed;
  }

  const queues = (alsoQueues: readonly string[] = []): Promise<QueueStats[]> =>
    driver.queueStats([...new Set([...served, ...alsoQueues])]);

  return {
    cancelAll,
    requeue,
    reschedule,
    pauseQueue,
    resumeQueue,
    queues,
    definitions: jobs,
    count: driver.count,
    list: driver.list,
    remove: driver.remove,
    workers: driver.workers,
  };
}
