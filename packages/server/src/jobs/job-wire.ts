import {
  type AttemptRecord,
  type JobFilter,
  type JobRecord,
  type JobSummary,
  jobState,
  type LongRun,
  type QueueStats,
  type StepRecord,
  type WaitingReason,
  type WorkerSummary,
} from "@wharf/job-runner";
import {
  JOB_STATUS_GROUPS,
  type Job,
  type JobAttempt,
  type JobDetail,
  type JobFilterRequest,
  type JobState,
  type JobWaitingReason,
  type JobWorker,
  jobStateSchema,
  type Queue,
  type RunningJob,
  withoutUrlCredentials,
} from "@wharf/protocol";

/**
 * A job as the API and the command line show it: its names, keys, state, times and counts, but no payload, output or token. Of what
 * its code says, an error and the message of its progress, the first line alone, without passwords in URLs: what follows may be
 * what a command wrote to its stderr.
 */
export function toWireJob(job: JobSummary | JobRecord): Job {
  return {
    id: job.id,
    queue: job.queue,
    type: job.type,
    state: jobState(job),
    status: job.status,
    priority: job.priority,
    run_at: job.runAt,
    attempts: job.attempts,
    max_attempts: job.maxAttempts,
    recoveries: job.recoveries,
    lease_generation: job.leaseGeneration,
    lease_expires_at: job.leaseExpiresAt,
    heartbeat_at: job.heartbeatAt,
    locked_at: job.lockedAt,
    locked_by: job.lockedBy,
    timeout_ms: job.timeoutMs,
    idempotency_key: job.idempotencyKey,
    concurrency_key: job.concurrencyKey,
    progress: withMessage(job.progress, firstLine),
    last_error: firstLine(job.lastError),
    failed_at: job.failedAt,
    failure_kind: job.failureKind,
    dlq_reason: firstLine(job.dlqReason),
    dlq_failed_at: job.dlqFailedAt,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    completed_at: job.completedAt,
  };
}

export function toWireReason(found: WaitingReason | undefined): JobWaitingReason | null {
  if (found === undefined) return null;
  const { reason, detail, since, until, jobId } = found;
  return { reason, detail: firstLine(detail) ?? "", since, until, job_id: jobId };
}

/** What there is to say of one job besides itself. */
export type JobHistory = {
  steps: readonly StepRecord[];
  attempts: readonly AttemptRecord[];
  waiting: WaitingReason | undefined;
};

/** `withData`: what the job was given and made, too, and what its code says as a whole. */
export function toWireDetail(job: JobRecord, history: JobHistory, withData: boolean): JobDetail {
  const { steps, attempts, waiting } = history;
  const { payload, output, lastError, dlqReason } = job;
  const progress = withMessage(job.progress, cleaned);
  const data = withData
    ? { payload, output, progress, last_error: cleaned(lastError), dlq_reason: cleaned(dlqReason) }
    : {};
  return {
    ...toWireJob(job),
    ...data,
    waiting: toWireReason(waiting),
    steps: steps.map((step) => toWireStep(step, withData)),
    attempt_history: attempts.map((attempt) => toWireAttempt(attempt, withData)),
  };
}

function firstLine(text: string | null): string | null {
  return cleaned(text)?.split("\n", 1)[0] ?? null;
}

function withMessage(progress: JobSummary["progress"], shown: (text: string | null) => string | null) {
  return progress === null ? null : { ...progress, message: shown(progress.message) };
}

function toWireStep(step: StepRecord, withData: boolean) {
  const { name, kind, finishedAt, wakeAt, event, createdAt, output } = step;
  const shown = { name, kind, finished_at: finishedAt, wake_at: wakeAt, event, created_at: createdAt };
  return withData ? { ...shown, output } : shown;
}

function toWireAttempt(run: AttemptRecord, withData: boolean): JobAttempt {
  const error = cleaned(run.error);
  return {
    attempt: run.attempt,
    lease_generation: run.leaseGeneration,
    worker_id: run.workerId,
    started_at: run.startedAt,
    ended_at: run.endedAt,
    outcome: run.outcome,
    error: withData ? error : firstLine(error),
  };
}

export function toWireRun({ job, runningMs, expectedRunMs, isStuck }: LongRun): RunningJob {
  return { ...toWireJob(job), running_ms: runningMs, expected_run_ms: expectedRunMs, is_stuck: isStuck };
}

export function toWireWorker({ workerId, jobs, oldestLockedAt, lastHeartbeatAt }: WorkerSummary): JobWorker {
  return {
    id: workerId,
    jobs: jobs.count,
    oldest_locked_at: oldestLockedAt,
    last_heartbeat_at: lastHeartbeatAt,
  };
}

export function toWireQueue(stats: QueueStats): Queue {
  const { ready, scheduled, waiting, running, dead } = stats;
  const counts = { ready, scheduled, waiting, running, dead };
  const capped = Object.entries(counts).filter(([, { isCapped }]) => isCapped);
  return {
    name: stats.queue,
    ready: ready.count,
    scheduled: scheduled.count,
    waiting: waiting.count,
    running: running.count,
    dead: dead.count,
    capped: capped.map(([name]) => name),
    oldest_ready_ms: stats.oldestReadyMs,
    completed_per_second: stats.completedPerSecond,
    paused_at: stats.pausedAt,
    pause_reason: stats.pauseReason,
  };
}

/** The engine's filter of what a query, a body or a command line asked for. */
export function toJobFilter(request: JobFilterRequest): JobFilter {
  const { status, ids, queue, except_queue, type, concurrency_key, after, before } = request;
  return {
    ...(status && { states: status.flatMap(statesOf) }),
    ...(ids && { ids }),
    ...(queue !== undefined && { queue }),
    ...(except_queue !== undefined && { exceptQueue: except_queue }),
    ...(type !== undefined && { type }),
    ...(concurrency_key !== undefined && { concurrencyKey: concurrency_key }),
    ...(after !== undefined && { createdAfter: toInstant(after) }),
    ...(before !== undefined && { createdBefore: toInstant(before) }),
  };
}

/** Microseconds are what the engine keeps; a day begins at midnight UTC, as everywhere. */
export function toInstant(text: string): string {
  if (!text.includes("T")) return `${text}T00:00:00Z`;
  return text.replace(/(\.\d{6})\d+/, "$1");
}

function statesOf(status: NonNullable<JobFilterRequest["status"]>[number]): readonly JobState[] {
  return JOB_STATUS_GROUPS[status] ?? [jobStateSchema.parse(status)];
}

function cleaned(text: string | null): string | null {
  return text === null ? null : withoutUrlCredentials(text);
}
