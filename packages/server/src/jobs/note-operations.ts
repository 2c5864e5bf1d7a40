import type { JobAdministration } from "./job-administration.ts";
import type { JobChanges } from "./job-changes.ts";

/** `jobs`, whose changes by operators are noted for live readers. */
export function noteOperations(
  jobs: JobAdministration,
  changes: Pick<JobChanges, "note" | "noteUnnamed">,
): JobAdministration {
  /** Any number of jobs may match a filter: only those of one id are named. */
  function noteCount(count: number): number {
    if (count > 0) changes.noteUnnamed();
    return count;
  }

  function noteIf(isChanged: boolean, id: string): boolean {
    if (isChanged) changes.note(id);
    return isChanged;
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
    cancelAll: async (filter, reason) => noteCount(await jobs.cancelAll(filter, reason)),
    requeue: async (filter, options) => {
      const count = await jobs.requeue(filter, options);
      const [id, ...more] = filter.ids ?? [];
      if (id === undefined || more.length > 0) return noteCount(count);
      noteIf(count > 0, id);
      return count;
    },
  };
}
