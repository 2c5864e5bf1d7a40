import type { Database } from "../db/database.ts";
import { noteChangedJobs } from "../db/ingest/change-log.ts";
import { within } from "../waits.ts";

export type JobChanges = {
  /** The job of this id is new or has changed. */
  note(jobId: string): void;
  /** Jobs have changed whose ids are not known here. */
  noteUnnamed(): void;
  /** Writes what is noted, and stops. */
  close(): Promise<void>;
};

/** From one row's begin to the next one's. */
const WRITE_INTERVAL_MS = 250;
/** Of one row. */
const IDS_MAX = 1_000;

/**
 * Writes which jobs of this process have changed into the change log, for live readers: at most one row in WRITE_INTERVAL_MS, or one for
 * IDS_MAX jobs, without ids if some are not known. The states themselves are in the job engine's tables; a row that cannot be written is left out.
 */
export function createJobChanges(database: Database): JobChanges {
  let ids = new Set<string>();
  let areSomeUnnamed = false;
  let writing: Promise<void> | null = null;
  let soon = Promise.withResolvers<void>();

  async function write(): Promise<void> {
    while (ids.size > 0 || areSomeUnnamed) {
      const written = areSomeUnnamed ? [] : [...ids];
      ids = new Set();
      areSomeUnnamed = false;
      soon = Promise.withResolvers();
      await database.run((sql) => noteChangedJobs(sql, written)).catch(() => undefined);
      await within(soon.promise, WRITE_INTERVAL_MS);
    }
    writing = null;
  }

  return {
    note: (jobId) => {
      ids.add(jobId);
      if (ids.size >= IDS_MAX) soon.resolve();
      writing ??= write();
    },
    noteUnnamed: () => {
      areSomeUnnamed = true;
      writing ??= write();
    },
    close: async () => {
      soon.resolve();
      await writing;
    },
  };
}
