export type { Artifact, ArtifactLimits, ArtifactStore } from "./command/artifacts.ts";
export { CommandArtifactsError, CommandExitError, CommandLimitError } from "./command/command-errors.ts";
export { COMMAND_BOUNDS, type CommandBounds } from "./command/command-input.ts";
export { type CommandJobOptions, defineCommandJob } from "./command/define-command-job.ts";
export { sweepRunFolders } from "./command/run-folder.ts";
export type { Limit as CommandLimit } from "./command/supervisor-messages.ts";
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
} from "./contract/admin-store.ts";
export { errorCode, isDataError } from "./contract/database-errors.ts";
export type {
  DeadLetterFilter,
  Driver,
  Enqueued,
  FailureKind,
  JobRecord,
  JobStatus,
  PostgresClient,
} from "./contract/driver.ts";
export type {
  AttemptOutcome,
  AttemptRecord,
  JobProgress,
  LogLevel,
  LogLine,
  StepRecord,
  StoredEvent,
} from "./contract/durable-store.ts";
export { ATTEMPTS_KEPT_MAX, LOG_LINES_MAX } from "./contract/durable-store.ts";
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
} from "./contract/errors.ts";
export type { Instant } from "./contract/instant.ts";
export { jobState } from "./contract/job-state.ts";
export { one } from "./contract/one.ts";
export { DELAY_MAX_MS, KEY_MAX_LENGTH, NAME_MAX_LENGTH, TIMEOUT_MAX_MS } from "./contract/option-schemas.ts";
export { JSON_MAX_BYTES, storableJson, storableJsonText, storableText } from "./contract/storable-json.ts";
export { withTimeLimit } from "./contract/time-limit.ts";
export type { Backoff } from "./engine/backoff.ts";
export type {
  EnqueueCallOptions,
  EnqueueJobOptions,
  JobDefinition,
  JobOptions,
} from "./engine/define-job.ts";
export { defineJob } from "./engine/define-job.ts";
export type { JobInput } from "./engine/enqueuer.ts";
export type { EventToSend } from "./engine/events.ts";
export type { EventWait, JobContext, ReceivedEvent } from "./engine/job-context.ts";
export type { JobRunner } from "./engine/job-runner.ts";
export { createJobRunner } from "./engine/job-runner.ts";
export type { LongRun } from "./engine/long-runs.ts";
export type { Counter, Histogram, Registry, Sample } from "./engine/metrics-registry.ts";
export { createRegistry } from "./engine/metrics-registry.ts";
export type { RunEvent, StartedRun } from "./engine/run-listeners.ts";
export { STEP_OUTPUT_MAX_BYTES, STEPS_MAX } from "./engine/run-steps.ts";
export type { JobRunnerOptions, WorkerMode } from "./engine/runner-options.ts";
export type { MissedTicks, Schedule, ScheduleOptions } from "./engine/schedule.ts";
export { defineSchedule, MISSED_AFTER_MS, MISSED_TICKS_MAX } from "./engine/schedule.ts";
export type { CompletedJob, WaitForOptions } from "./engine/wait-for.ts";
export type { WaitingReason } from "./engine/waiting-reasons.ts";
export type { StoreOptions } from "./stores/choose-store.ts";
export {
  FIND_LOCK_HOLDER,
  MAKE_LEDGER,
  MIGRATION_LOCK_DEADLINE_MS,
  MIGRATION_LOCK_KEY,
  MIGRATION_LOCK_POLL_MS,
} from "./stores/migration-ledger.ts";
export { isSameMigration, type MigrationText, readMigrationText } from "./stores/migration-text.ts";
export { jobMigrationsDir } from "./stores/migrations-dir.ts";
