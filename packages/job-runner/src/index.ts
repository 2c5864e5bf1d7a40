export type { Backoff } from "./backoff.ts";
export type { StoreOptions } from "./choose-store.ts";
export type { Artifact, ArtifactLimits, ArtifactStore } from "./command/artifacts.ts";
export { CommandArtifactsError, CommandExitError, CommandLimitError } from "./command/command-errors.ts";
export { COMMAND_BOUNDS, type CommandBounds } from "./command/command-input.ts";
export { type CommandJobOptions, defineCommandJob } from "./command/define-command-job.ts";
export type { Limit as CommandLimit } from "./command/orders.ts";
export { sweepRunFolders } from "./command/run-folder.ts";
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
export type {
  AttemptOutcome,
  AttemptRecord,
  JobProgress,
  LogLevel,
  LogLine,
  StepRecord,
  StoredEvent,
} from "./drivers/durable-store.ts";
export { ATTEMPTS_KEPT_MAX, LOG_LINES_MAX } from "./drivers/durable-store.ts";
export { jobState } from "./drivers/job-state.ts";
export type { JobInput } from "./enqueuer.ts";
export {
  JobCancelledError,
  JobDatabaseTimeoutError,
  JobDrainedError,
  JobFailedError,
  JobJsonError,
  JobKeyTakenError,
  JobNotFoundError,
  JobNotInflightError,
  JobNotRunnableError,
  JobOptionError,
  JobRunnerError,
  JobSchemaError,
  JobStepError,
  JobStoreRefusedError,
  JobSuspendedError,
  JobTimeoutError,
  JobWaitTimeoutError,
  LeaseExpiredError,
  LeaseLostError,
  LeaseMismatchError,
  UnrecoverableError,
  UnsupportedByDriverError,
} from "./errors.ts";
export type { EventToSend } from "./events.ts";
export type { Instant } from "./instant.ts";
export type { EventWait, JobContext, ReceivedEvent } from "./job-context.ts";
export type { JobRunner } from "./job-runner.ts";
export { createJobRunner } from "./job-runner.ts";
export type { LongRun } from "./long-runs.ts";
export { isSameMigration, type MigrationText, readMigrationText } from "./migration-text.ts";
export { jobMigrationsDir } from "./migrations-dir.ts";
export { DELAY_MAX_MS, KEY_MAX_LENGTH, NAME_MAX_LENGTH, TIMEOUT_MAX_MS } from "./option-schemas.ts";
export type { RunEvent } from "./run-listeners.ts";
export { STEP_OUTPUT_MAX_BYTES, STEPS_MAX } from "./run-steps.ts";
export type { JobRunnerOptions, WorkerMode } from "./runner-options.ts";
export type { MissedTicks, Schedule, ScheduleOptions } from "./schedule.ts";
export { defineSchedule, MISSED_AFTER_MS, MISSED_TICKS_MAX } from "./schedule.ts";
export { JSON_MAX_BYTES } from "./storable-json.ts";
export type { CompletedJob, WaitForOptions } from "./wait-for.ts";
