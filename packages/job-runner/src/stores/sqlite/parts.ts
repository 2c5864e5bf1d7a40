import type { LeaseRefusal } from "../../contract/errors.ts";
import { createAdministration } from "./administration.ts";
import { createAttempts } from "./attempts.ts";
import { createClaim, createLease } from "./claim.ts";
import { createEnqueue } from "./enqueue.ts";
import { createEvents } from "./events.ts";
import { createLeaseOperations } from "./leases.ts";
import { createNotes } from "./notes.ts";
import type { openDatabase } from "./open-database.ts";
import { createQueueStats } from "./queue-stats.ts";
import { createSchedules } from "./schedules.ts";
import { createSelectJobs } from "./select-jobs.ts";
import { createSteps } from "./steps.ts";
import { createUpkeep } from "./upkeep.ts";
import { createWriter } from "./writer.ts";

/** The prepared statements of one open file, by what they are about, and the writer that runs them. */
export function createParts(db: ReturnType<typeof openDatabase>) {
  const store = createEnqueue(db);
  return {
    ...createWriter(db),
    store,
    claim: createClaim(db),
    lease: createLease(db),
    leases: createLeaseOperations(db),
    upkeep: createUpkeep(db),
    select: createSelectJobs(db),
    steps: createSteps(db),
    events: createEvents(db),
    notes: createNotes(db),
    attemptsOf: createAttempts(db),
    schedules: createSchedules(db, store),
    administration: createAdministration(db),
    queueStats: createQueueStats(db),
  };
}

export type Parts = ReturnType<typeof createParts>;

export function throwIfRefused(refused: LeaseRefusal | undefined): void {
  if (refused !== undefined) throw refused.error;
}
