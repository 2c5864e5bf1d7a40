import { z } from "zod";
import { timestampSchema } from "./event.ts";
import { instant, page, words } from "./query.ts";

/** Every job is in exactly one of these. `dead`: among the dead letters. `waiting`: for an event. */
export const JOB_STATES = [
  "ready",
  "scheduled",
  "waiting",
  "running",
  "completed",
  "dead",
  "cancelled",
] as const;
export const jobStateSchema = z.enum(JOB_STATES);
export type JobState = z.infer<typeof jobStateSchema>;

/** What a filter may say for several states, or by another name. */
export const JOB_STATUS_GROUPS: Readonly<Record<string, readonly JobState[]>> = {
  queued: ["ready", "scheduled", "waiting"],
  failed: ["dead", "cancelled"],
  dlq: ["dead"],
};
const STATUSES = [...JOB_STATES, "queued", "failed", "dlq"] as const;

export const NAME_CHARACTERS_MAX = 200;
const REASON_CHARACTERS_MAX = 1_000;
const DELAY_MAX_MS = 10 * 365 * 86_400_000;
const IDS_MAX = 1_000;
const LOG_LINES_A_PAGE_MAX = 1_000;
const SMALLINT = { min: -32_768, max: 32_767 };

/** A BIGINT of the database, as text. */
export const jobIdSchema = z.string().regex(/^[1-9][0-9]{0,17}$/, { error: "must be the number of a job" });
/** Keys and names are compared, so none may be changed to fit into the store. */
const text = z.string().refine((value) => !value.includes("\0") && value.isWellFormed(), {
  error: "must not contain a NUL character or half of a surrogate pair",
});
const name = text.min(1).max(NAME_CHARACTERS_MAX);
const priority = z.number().int().min(SMALLINT.min).max(SMALLINT.max);
const instantSchema = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const progressSchema = z.object({
  current: z.number(),
  total: z.number().nullable(),
  message: z.string().nullable(),
});

/** Why a job that has not ended does not run. */
export const waitingReasonSchema = z.object({
  reason: z.enum([
    "paused",
    "not_due",
    "retry",
    "sleep",
    "event",
    "key_held",
    "turn",
    "no_worker",
    "worker_lost",
  ]),
  /** One sentence, with times in UTC. */
  detail: z.string(),
  since: instantSchema.nullable(),
  /** When it ends by itself. */
  until: instantSchema.nullable(),
  /** The job that holds its concurrency key. */
  job_id: jobIdSchema.nullable(),
});
export type JobWaitingReason = z.infer<typeof waitingReasonSchema>;

/** A job as it is listed. Times are ISO-8601 UTC with six decimals. */
export const jobSchema = z.object({
  id: jobIdSchema,
  queue: z.string(),
  type: z.string(),
  state: jobStateSchema,
  status: z.enum(["queued", "running", "completed", "failed"]),
  /** Smaller runs first. */
  priority: z.number().int(),
  /** Null: runnable now, or already run. `infinity`: until an event comes. */
  run_at: z.string().nullable(),
  /** Failures so far. */
  attempts: count,
  max_attempts: count,
  /** Lost leases. */
  recoveries: count,
  lease_generation: count,
  lease_expires_at: instantSchema.nullable(),
  heartbeat_at: instantSchema.nullable(),
  locked_at: instantSchema.nullable(),
  locked_by: z.string().nullable(),
  timeout_ms: count.nullable(),
  idempotency_key: z.string().nullable(),
  concurrency_key: z.string().nullable(),
  progress: progressSchema.nullable(),
  last_error: z.string().nullable(),
  failed_at: instantSchema.nullable(),
  failure_kind: z.string().nullable(),
  dlq_reason: z.string().nullable(),
  dlq_failed_at: instantSchema.nullable(),
  created_at: instantSchema,
  updated_at: instantSchema,
  completed_at: instantSchema.nullable(),
});
export type Job = z.infer<typeof jobSchema>;

export const jobStepSchema = z.object({
  name: z.string(),
  kind: z.enum(["step", "sleep", "event"]),
  finished_at: instantSchema.nullable(),
  wake_at: z.string().nullable(),
  event: z.object({ name: z.string(), key: z.string() }).nullable(),
  created_at: instantSchema,
  /** Only for an admin key. */
  output: z.unknown().optional(),
});

/** A run of a job. `started_at` is when it was claimed; runs that slept or were released are merged with the next. */
export const jobAttemptSchema = z.object({
  /** Failures before it, and one: the run after a lost lease has the same number. */
  attempt: count,
  lease_generation: count,
  worker_id: z.string().nullable(),
  started_at: instantSchema,
  /** Null: it is still running. */
  ended_at: instantSchema.nullable(),
  outcome: z.enum(["running", "completed", "failed", "lease_lost", "cancelled"]),
  /** Why it failed or was cancelled; its first line alone, but for an admin key. */
  error: z.string().nullable(),
});
export type JobAttempt = z.infer<typeof jobAttemptSchema>;

export const jobLogLineSchema = z.object({
  line: count,
  level: z.enum(["debug", "info", "warn", "error"]),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).nullable(),
  logged_at: instantSchema,
});
export type JobLogLine = z.infer<typeof jobLogLineSchema>;

const waiting = waitingReasonSchema.nullable();
/** A job in GET /api/jobs. In lists a sleep counts as `not_due`, and an event has no name. */
export const listedJobSchema = jobSchema.extend({ waiting });
export type ListedJob = z.infer<typeof listedJobSchema>;

/**
 * GET /api/jobs/:id. What a job was given and made may hold anything, and its log and the lines behind the first of an error or of
 * the message of its progress, too: only an admin key sees them. Its names and keys are there to find it by: every key that reads sees them.
 */
export const jobDetailSchema = listedJobSchema.extend({
  steps: z.array(jobStepSchema),
  /** Oldest first: the newest hundred failed runs, and the current or completing run. */
  attempt_history: z.array(jobAttemptSchema),
  payload: z.unknown().optional(),
  output: z.unknown().optional(),
});
export type JobDetail = z.infer<typeof jobDetailSchema>;

export const runningJobSchema = jobSchema.extend({
  running_ms: z.number(),
  /** Null: its type is not known to this server, or says nothing. */
  expected_run_ms: z.number().nullable(),
  /** Runs for more than five times as long as expected. */
  is_stuck: z.boolean(),
});
export type RunningJob = z.infer<typeof runningJobSchema>;
export const workerSchema = z.object({
  id: z.string(),
  jobs: count,
  oldest_locked_at: instantSchema,
  last_heartbeat_at: instantSchema,
});
export type JobWorker = z.infer<typeof workerSchema>;

export const queueSchema = z.object({
  name: z.string(),
  ready: count,
  scheduled: count,
  waiting: count,
  running: count,
  dead: count,
  /** The names of the counts above that ended at 10,000: there are at least so many. */
  capped: z.array(z.string()),
  oldest_ready_ms: z.number().nullable(),
  /** Of the last minute, an estimate. */
  completed_per_second: z.number(),
  paused_at: instantSchema.nullable(),
  pause_reason: z.string().nullable(),
});
export type Queue = z.infer<typeof queueSchema>;

const filterFields = {
  queue: name.optional(),
  except_queue: name.optional(),
  type: name.optional(),
  concurrency_key: text.min(1).optional(),
  /** When the job was enqueued; both are exclusive. */
  after: instant.optional(),
  before: instant.optional(),
};

export const jobListQuerySchema = z.object({
  status: words(z.enum(STATUSES)).optional(),
  ids: words(jobIdSchema).optional(),
  ...filterFields,
  ...page(50),
});
export const jobCountQuerySchema = jobListQuerySchema.omit({ limit: true, cursor: true });
/** GET /api/jobs/counts. */
export const jobCountsSchema = z.object({
  /** By state, of those that `status` names. `is_capped`: there are at least so many. */
  counts: z.partialRecord(jobStateSchema, z.object({ count, is_capped: z.boolean() })),
});
export type JobCounts = z.infer<typeof jobCountsSchema>["counts"];
export type JobListQuery = z.infer<typeof jobListQuerySchema>;

export const jobLogQuerySchema = z.object(page(100, LOG_LINES_A_PAGE_MAX));
export const runningJobsQuerySchema = z.object({ limit: page(50).limit });

const jobFilterFields = {
  status: z.array(z.enum(STATUSES)).min(1).max(STATUSES.length).optional(),
  ids: z.array(jobIdSchema).min(1).max(IDS_MAX).optional(),
  ...filterFields,
};
const jobFilterSchema = z.strictObject(jobFilterFields);
export type JobFilterRequest = z.infer<typeof jobFilterSchema>;

/** POST /api/jobs. `input` is checked by the job type's own schema. */
export const enqueueJobSchema = z
  .strictObject({
    type: name,
    input: z.unknown().optional(),
    idempotency_key: name.optional(),
    priority: priority.optional(),
    run_at: timestampSchema.optional(),
    delay_ms: z.number().int().min(0).max(DELAY_MAX_MS).optional(),
  })
  .refine(({ run_at, delay_ms }) => run_at === undefined || delay_ms === undefined, {
    path: ["delay_ms"],
    error: "run_at and delay_ms cannot be combined",
  });

export type EnqueueJobRequest = z.infer<typeof enqueueJobSchema>;

export const retryJobSchema = z.strictObject({ keep_attempts: z.boolean().default(false) });
export const retryJobsSchema = z.strictObject({ ...jobFilterFields, ...retryJobSchema.shape });
export const cancelJobSchema = z.strictObject({
  reason: text.min(1).max(REASON_CHARACTERS_MAX).default("cancelled by an operator"),
});
export const cancelJobsSchema = z.strictObject({ ...jobFilterFields, ...cancelJobSchema.shape });

/** PATCH /api/jobs/:id. `run_at` null: now. */
export const jobChangeSchema = z.strictObject({
  priority: priority.optional(),
  run_at: timestampSchema.nullable().optional(),
});
/** GET /api/schedules. */
export const scheduleSchema = z.object({
  name: z.string(),
  cron: z.string(),
  time_zone: z.string(),
  next_at: instantSchema,
  /** The last tick that was enqueued or skipped. */
  last_at: instantSchema.nullable(),
  /** Why this process cannot enqueue the due tick. */
  error: z.string().nullable(),
});
export type Schedule = z.infer<typeof scheduleSchema>;

export const pauseQueueSchema = z.strictObject({
  reason: text.min(1).max(REASON_CHARACTERS_MAX).nullish(),
});

/** POST /api/jobs/events. Of events with the same name and id only the first counts. */
export const sendJobEventSchema = z.strictObject({
  name,
  key: text.max(NAME_CHARACTERS_MAX).default(""),
  payload: z.unknown().optional(),
  id: name.optional(),
});
