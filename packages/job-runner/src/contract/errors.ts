/** Base of all errors of the engine: a stable code, and a message with the remedy. */
export class JobRunnerError extends Error {
  readonly code: string;
  /** False: no attempt can succeed; the job becomes a dead letter immediately. */
  readonly isRetryable: boolean;

  constructor(code: string, message: string, options: ErrorOptions & { isRetryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.isRetryable = options.isRetryable ?? true;
  }
}

/** The job is queued, completed, dead or unknown, so no lease of it is valid. Checked first. */
export class JobNotInflightError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_NOT_INFLIGHT", `Job ${jobId} is not running; stop working on it.`);
  }
}

/** The lease expired before the call; the job may run elsewhere. Checked second. */
export class LeaseExpiredError extends JobRunnerError {
  constructor(jobId: string) {
    super(
      "JOB_LEASE_EXPIRED",
      `The lease of job ${jobId} has expired; extend it sooner or increase leaseMs.`,
    );
  }
}

/** Another claim holds the job. Checked third. */
export class LeaseMismatchError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_LEASE_MISMATCH", `Job ${jobId} is leased under another token; stop working on it.`);
  }
}

/** To be thrown by a job's `run` if no attempt can succeed: the job becomes a dead letter immediately. */
export class UnrecoverableError extends JobRunnerError {
  constructor(message: string, options?: ErrorOptions) {
    super("JOB_UNRECOVERABLE", message, { ...options, isRetryable: false });
  }
}

/** The run exceeded its timeoutMs. Retried like any other failure. */
export class JobTimeoutError extends JobRunnerError {
  constructor(jobId: string, timeoutMs: number) {
    super(
      "JOB_TIMEOUT",
      `Job ${jobId} exceeded its timeout of ${timeoutMs} ms; increase timeoutMs or split the job.`,
    );
  }
}

/** The reason of `ctx.signal` when the lease is lost or about to end: later writes are rejected. */
export class LeaseLostError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_LEASE_LOST", `Job ${jobId} is no longer leased by this worker; its writes are rejected.`);
  }
}

/** The reason of `ctx.signal` after a cancel. */
export class JobCancelledError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_CANCELLED", `Job ${jobId} was cancelled; its writes are rejected.`);
  }
}

/** The reason of `ctx.signal` when the process drains and the run did not end in time: the job is released. */
export class JobDrainedError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_DRAINED", `Job ${jobId} was released because its worker is stopping; it will run again.`);
  }
}

/**
 * Thrown by `ctx.sleep` and `ctx.waitForEvent` to end the run; the job resumes at its time or event. Do not catch it: work
 * done after catching it is repeated by the resumed run.
 */
export class JobSuspendedError extends JobRunnerError {
  constructor(jobId: string) {
    super(
      "JOB_SUSPENDED",
      `Job ${jobId} sleeps or waits for an event. Let this error propagate; it is not a failure.`,
    );
  }
}

/** A step that cannot be stored: its name is taken or invalid, or its result is too large. No attempt can succeed. */
export class JobStepError extends JobRunnerError {
  constructor(type: string, message: string) {
    super("JOB_STEP_INVALID", `Job type ${type}: ${message}`, { isRetryable: false });
  }
}

/** The awaited job failed or was cancelled; `kind` is its failure kind. */
export class JobFailedError extends JobRunnerError {
  readonly jobId: string;
  readonly kind: string | null;

  constructor(job: Readonly<{ id: string; failureKind: string | null; lastError: string | null }>) {
    const cause = job.lastError === null ? undefined : new Error(job.lastError);
    const message =
      job.failureKind === "cancelled"
        ? `Job ${job.id} was cancelled; the reason is the cause.`
        : `Job ${job.id} failed (${job.failureKind}); its last error is the cause.`;
    super("JOB_FAILED", message, { cause });
    this.jobId = job.id;
    this.kind = job.failureKind;
  }
}

/** The job did not end within the time of `waitFor`, and is unchanged. */
export class JobWaitTimeoutError extends JobRunnerError {
  constructor(jobId: string, timeoutMs: number) {
    super(
      "JOB_WAIT_TIMEOUT",
      `Job ${jobId} has not ended after ${timeoutMs} ms. It is unchanged; call waitFor again to wait longer.`,
    );
  }
}

/** The store rejected a write of the run, and would reject a retry. The attempt failed. */
export class JobStoreRefusedError extends JobRunnerError {
  constructor(jobId: string, what: string, reason: string) {
    super(
      "JOB_STORE_REFUSED",
      `The store rejected the ${what} of job ${jobId}: ${reason}. Make it smaller or simpler.`,
    );
  }
}

/** A value that cannot be stored as JSON, or is too large. */
export class JobJsonError extends JobRunnerError {
  constructor(what: string, reason: string, options?: ErrorOptions) {
    super("JOB_JSON_INVALID", `${what} cannot be stored as JSON: ${reason}.`, options);
  }
}

/** The database did not respond in time. The statement may or may not have been committed. */
export class JobDatabaseTimeoutError extends JobRunnerError {
  constructor(deadlineMs: number) {
    super(
      "JOB_DATABASE_TIMEOUT",
      `The database did not respond within ${deadlineMs} ms; the connection is replaced.`,
    );
  }
}

/** No job has this id; it may have been deleted after its retention. */
export class JobNotFoundError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_NOT_FOUND", `Job ${jobId} does not exist; it may have been deleted after its retention.`);
  }
}

/** One rule of the schema that the value violates. */
export type SchemaIssue = {
  /** A JSON pointer (RFC 6901); empty for the value itself. */
  readonly pointer: string;
  readonly detail: string;
};

/** Input, output or an event's payload does not match its schema. The message holds paths and rules, never values. */
export class JobSchemaError extends JobRunnerError {
  readonly side: SchemaSide;
  readonly issues: readonly SchemaIssue[];

  constructor(type: string, side: SchemaSide, summary: string, issues: readonly SchemaIssue[] = []) {
    // Input and events are stored: every attempt gets the same ones.
    super("JOB_SCHEMA", `The ${side} of job type ${type} does not match its schema: ${summary}`, {
      isRetryable: side === "output",
    });
    this.side = side;
    this.issues = issues;
  }
}

/** The operation requires Postgres, and the store is another one. */
export class UnsupportedByDriverError extends JobRunnerError {
  constructor(operation: string, driver: string) {
    super("JOB_UNSUPPORTED", `${operation} is not supported by the ${driver} driver; use Postgres for it.`);
  }
}

/** `runOne` cannot run this job now. */
export class JobNotRunnableError extends JobRunnerError {
  constructor(jobId: string, reason: string) {
    super("JOB_NOT_RUNNABLE", `Job ${jobId} cannot be run: ${reason}.`);
  }
}

/** The idempotency key belongs to a job of another type; nothing was stored. */
export class JobKeyTakenError extends JobRunnerError {
  constructor(type: string, other: { readonly id: string; readonly type: string }) {
    super(
      "JOB_KEY_TAKEN",
      `The idempotency key of a ${type} job belongs to job ${other.id} of type ${other.type}; put the type into the key.`,
    );
  }
}

/** An invalid option or argument. */
export class JobOptionError extends JobRunnerError {
  constructor(message: string, options?: ErrorOptions) {
    super("JOB_OPTION_INVALID", message, { ...options, isRetryable: false });
  }
}

export type SchemaSide = "input" | "output" | "event";

/** A lease that an operation rejected, and why. */
export type LeaseRefusal = {
  readonly jobId: string;
  readonly error: JobNotInflightError | LeaseExpiredError | LeaseMismatchError;
};
