import type { JobChange, JobFilter, QueueStats } from "../contract/admin-store.ts";
import type { Metrics } from "./metrics.ts";
import type { Settings } from "./runner-options.ts";
import type { Workforce } from "./workforce.ts";

/** What operators do with the jobs of every process; this process's workers hear of it at once. */
export function createAdministration(
  { driver, jobs, queues: served }: Settings,
  metrics: Metrics,
  workforce: Workforce,
  onEnded: (jobId: string) => void,
) {
  /** Cancels the queued and running jobs that match; returns how many. */
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

  /** Puts dead letters that match back in their queue; cancelled jobs only if the filter's states name them. */
  async function requeue(filter: JobFilter, options?: { keepAttempts?: boolean }): Promise<number> {
    const count = await driver.requeue(filter, options);
    if (count > 0) workforce.wakeAll();
    return count;
  }

  /** Changes when a ready or scheduled job runs, and how urgent it is; false when it is in neither state. */
  async function reschedule(jobId: string, change: JobChange): Promise<boolean> {
    const isChanged = await driver.reschedule(jobId, change);
    if (isChanged) workforce.wakeAll();
    return isChanged;
  }

  /** No process claims from the queue until it is resumed. */
  const pauseQueue = (queue: string, reason: string | null = null): Promise<boolean> =>
    driver.pauseQueue(queue, reason);

  async function resumeQueue(queue: string): Promise<boolean> {
    const isResumed = await driver.resumeQueue(queue);
    if (isResumed) workforce.workerOf(queue)?.wake();
    return isResumed;
  }

  /** Every queue that holds jobs, is paused, is served here, or is named. */
  const queues = (alsoQueues: readonly string[] = []): Promise<QueueStats[]> =>
    driver.queueStats([...new Set([...served, ...alsoQueues])]);

  return {
    cancelAll,
    requeue,
    reschedule,
    pauseQueue,
    resumeQueue,
    queues,
    /** The job types of this process, by name. */
    definitions: jobs,
    list: driver.list,
    remove: driver.remove,
    workers: driver.workers,
  };
}
