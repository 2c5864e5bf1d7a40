import type { JobRunner } from "@wharf/job-runner";

/** What the API needs of the job engine. */
export type JobAdministration = Pick<
  JobRunner,
  | "attempts"
  | "cancel"
  | "cancelAll"
  | "count"
  | "definitions"
  | "enqueue"
  | "get"
  | "list"
  | "log"
  | "longRuns"
  | "pauseQueue"
  | "queues"
  | "requeue"
  | "reschedule"
  | "resumeQueue"
  | "schedules"
  | "sendEvent"
  | "stats"
  | "steps"
  | "waitingReasons"
  | "workers"
>;
