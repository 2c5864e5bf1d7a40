import type { JobAdministration } from "./job-administration.ts";
import type { JobChanges } from "./job-changes.ts";

/** `jobs`, whose changes by operators are noted for live readers. */
export function noteOperations(
  jobs: JobAdministration,
  changes: Pick<JobChanges, "note" | "noteUnnamed">,
): JobAdministration {
  function noteIf(isChanged: boolean, id: string): boolean {
    if (isChanged) changes.note(id);
    return isChanged;
  }

  function noteUnnamedIf(isChanged: boolean): boolean {
    if (isChanged) changes.noteUnnamed();
    return isChanged;
  }

  /** Any number of jobs may match a filter: only a single one is named. */
  function noteMatching(count: number, { ids = [] }: { ids?: readonly string[] }): number {
    const [id, ...more] = ids;
    if (id !== undefined && more.length === 0) noteIf(count > 0, id);
    else noteUnnamedIf(count > 0);
    return count;
  }

  return {
    ...jobs,
    enqueue: async (...of) => {
      const enqueued = await jobs.enqueue(...of);
      noteIf(!enqueued.existed, enqueued.id);
      return enqueued;
    },
    cancel: async (id, reason) => noteIf(await jobs.cancel(id, reason), id),
    reschedule: async (id, change) => noteIf(await jobs.reschedule(id, change), id),
    cancelAll: async (filter, reason) => noteMatching(await jobs.cancelAll(filter, reason), filter),
    pauseQueue: async (queue, reason) => noteUnnamedIf(await jobs.pauseQueue(queue, reason)),
    resumeQueue: async (queue) => noteUnnamedIf(await jobs.resumeQueue(queue)),
    requeue: async (filter, options) => noteMatching(await jobs.requeue(filter, options), filter),
  };
}
