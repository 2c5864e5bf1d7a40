export type { Backoff } from "./backoff.ts";
export type { StoreOptions } from "./choose-store.ts";
export type { EnqueueCallOptions, EnqueueJobOptions, JobDefinition, JobOptions } from "./define-job.ts";
export { defineJob } from "./define-job.ts";
export type {
  BoundedCount,
  JobChange,
  JobFilter,
  JobPage,
  JobState,
  JobSummary,
  QueueStats,
  SnapshotHolder,
  WorkerSummary,
} from "./drivers/admin-store.ts";
export type {
  DeadLetterFilter,
  Driver,
  Enqueued,
  FailureKind,
  JobRecord,
  JobStatus,
  PostgresClient,
} from "./drivers/driver.ts";
export { jobState } from "./drivers/job-state.ts";
export type { JobInput } from "./enqueuer.ts";
export {
  JobCancelledError,
  JobDrainedError,
  JobNotInflightError,
  JobNotRunnableError,
  JobOptionError,
  JobRunnerError,
  JobSchemaError,
  JobTimeoutError,
  LeaseExpiredError,
  LeaseLostError,
  LeaseMismatchError,
  UnrecoverableError,
  UnsupportedByDriverError,
} from "./errors.ts";
export type { Instant } from "./instant.ts";
export type { JobContext } from "./job-context.ts";
export type { JobRunner } from "./job-runner.ts";
export { createJobRunner } from "./job-runner.ts";
export type { LongRun } from "./long-runs.ts";
export { jobMigrationsDir } from "./migrations-dir.ts";
export type { JobRunnerOptions, WorkerMode } from "./runner-options.ts";
