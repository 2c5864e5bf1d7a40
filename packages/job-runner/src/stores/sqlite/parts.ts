import type { LeaseRefusal } from "../../contract/errors.ts";
import { type Administration, createAdministration } from "./administration.ts";
import { createAttempts } from "./attempts.ts";
import { createClaim, createLease } from "./claim.ts";
import { createEnqueue } from "./enqueue.ts";
import { createEvents, type Events } from "./events.ts";
import { createLeaseOperations, type LeaseOperations } from "./leases.ts";
import { createMaintenance, type Maintenance } from "./maintenance.ts";
import type { openDatabase } from "./open-database.ts";
import { createProgressLog, type ProgressLog } from "./progress-log.ts";
import { createQueueStats } from "./queue-stats.ts";
import { createSchedules, type Schedules } from "./schedules.ts";
import { createSelectJobs, type SelectJobs } from "./select-jobs.ts";
import { createSteps, type Steps } from "./steps.ts";
import { createWriter, type Writer } from "./writer.ts";

export type Parts = Writer & {
  readonly store: ReturnType<typeof createEnqueue>;
  readonly claim: ReturnType<typeof createClaim>;
  readonly lease: ReturnType<typeof createLease>;
  readonly leases: LeaseOperations;
  readonly maintenance: Maintenance;
  readonly select: SelectJobs;
  readonly steps: Steps;
  readonly events: Events;
  readonly progressLog: ProgressLog;
  readonly attemptsOf: ReturnType<typeof createAttempts>;
  readonly schedules: Schedules;
  readonly administration: Administration;
  readonly queueStats: ReturnType<typeof createQueueStats>;
};

/** The prepared statements of one open file by topic, and the writer that runs them. */
export function createParts(db: ReturnType<typeof openDatabase>): Parts {
  const store = createEnqueue(db);
  return {
    ...createWriter(db),
    store,
    claim: createClaim(db),
    lease: createLease(db),
    leases: createLeaseOperations(db),
    maintenance: createMaintenance(db),
    select: createSelectJobs(db),
    steps: createSteps(db),
    events: createEvents(db),
    progressLog: createProgressLog(db),
    attemptsOf: createAttempts(db),
    schedules: createSchedules(db, store),
    administration: createAdministration(db),
    queueStats: createQueueStats(db),
  };
}

export function throwIfRefused(refused: LeaseRefusal | undefined): void {
  if (refused !== undefined) throw refused.error;
}
