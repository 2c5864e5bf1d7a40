/** Base of every error that the engine raises: a stable code beside a message that says what to do. */
export class JobRunnerError extends Error {
  readonly code: string;
  /** False: no attempt can succeed, so the job goes to the dead letters at once. */
  readonly isRetryable: boolean;

  constructor(code: string, message: string, options: ErrorOptions & { isRetryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.isRetryable = options.isRetryable ?? true;
  }
}

/** The job is queued, done, dead or unknown: no lease of it can be used. First in precedence. */
export class JobNotInflightError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_NOT_INFLIGHT", `Job ${jobId} is not running; stop working on it.`);
  }
}

/** The lease ran out before the call: the job may already run elsewhere. Second in precedence. */
export class LeaseExpiredError extends JobRunnerError {
  constructor(jobId: string) {
    super(
      "JOB_LEASE_EXPIRED",
      `The lease of job ${jobId} has expired; extend it sooner or lengthen leaseMs.`,
    );
  }
}

/** Another claim holds the job now. Third in precedence. */
export class LeaseMismatchError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_LEASE_MISMATCH", `Job ${jobId} is leased under another token; stop working on it.`);
  }
}

/** Thrown by a job's `run`: no attempt can succeed, so the job goes to the dead letters at once. */
export class UnrecoverableError extends JobRunnerError {
  constructor(message: string, options?: ErrorOptions) {
    super("JOB_UNRECOVERABLE", message, { ...options, isRetryable: false });
  }
}

/** The run took longer than its timeoutMs. Retried like any other failure. */
export class JobTimeoutError extends JobRunnerError {
  constructor(jobId: string, timeoutMs: number) {
    super(
      "JOB_TIMEOUT",
      `Job ${jobId} ran longer than its ${timeoutMs} ms; raise timeoutMs or make it smaller.`,
    );
  }
}

/** The reason of `ctx.signal` once the lease is lost or about to end: nothing that is written now will count. */
export class LeaseLostError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_LEASE_LOST", `Job ${jobId} no longer belongs to this worker; what it writes is refused.`);
  }
}

/** The reason of `ctx.signal` after a cancel. */
export class JobCancelledError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_CANCELLED", `Job ${jobId} was cancelled; what it writes is refused.`);
  }
}

/** The reason of `ctx.signal` when the process drains and the run did not end in time: the job is given back. */
export class JobDrainedError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_DRAINED", `Job ${jobId} was given back because its worker is stopping; it will run again.`);
  }
}

/**
 * Thrown by `ctx.sleep` and `ctx.waitForEvent` to leave the run; the job resumes when its time or event has come. Let it
 * pass: code that catches it and goes on does work that the resumed run does again.
 */
export class JobSuspendedError extends JobRunnerError {
  constructor(jobId: string) {
    super(
      "JOB_SUSPENDED",
      `Job ${jobId} sleeps or waits for an event; let this error pass, it is no failure.`,
    );
  }
}

/** A step that the engine cannot store: its name is taken or unfit, or there is too much of it. No attempt can succeed. */
export class JobStepError extends JobRunnerError {
  constructor(type: string, message: string) {
    super("JOB_STEP_INVALID", `Job type ${type}: ${message}`, { isRetryable: false });
  }
}

/** The job that was waited for ended in failed; `kind` says how. */
export class JobFailedError extends JobRunnerError {
  readonly jobId: string;
  readonly kind: string | null;

  constructor(job: Readonly<{ id: string; failureKind: string | null; lastError: string | null }>) {
    const cause = job.lastError === null ? undefined : new Error(job.lastError);
    super("JOB_FAILED", `Job ${job.id} has failed (${job.failureKind}); the cause is its last error.`, {
      cause,
    });
    this.jobId = job.id;
    this.kind = job.failureKind;
  }
}

/** The job did not end within the time of `waitFor`; it is still running. */
export class JobWaitTimeoutError extends JobRunnerError {
  constructor(jobId: string, timeoutMs: number) {
    super(
      "JOB_WAIT_TIMEOUT",
      `Job ${jobId} did not end within ${timeoutMs} ms; it is still running; call waitFor again to wait longer.`,
    );
  }
}

/** The store refused what a run wrote, and would again. The attempt has failed. */
export class JobStoreRefusedError extends JobRunnerError {
  constructor(jobId: string, what: string, reason: string) {
    super(
      "JOB_STORE_REFUSED",
      `The store refused the ${what} of job ${jobId}: ${reason}. Make it smaller or simpler.`,
    );
  }
}

/** A value that cannot be stored as JSON, or is too large. */
export class JobJsonError extends JobRunnerError {
  constructor(what: string, reason: string, options?: ErrorOptions) {
    super("JOB_JSON_INVALID", `${what} cannot be stored as JSON: ${reason}.`, options);
  }
}

/** The database did not answer in time. The statement may or may not have been committed. */
export class JobDatabaseTimeoutError extends JobRunnerError {
  constructor(deadlineMs: number) {
    super(
      "JOB_DATABASE_TIMEOUT",
      `The database did not answer within ${deadlineMs} ms; the connection is replaced.`,
    );
  }
}

/** There is no job of this id, or it was dropped from the archive. */
export class JobNotFoundError extends JobRunnerError {
  constructor(jobId: string) {
    super("JOB_NOT_FOUND", `There is no job ${jobId}; it may have left the archive.`);
  }
}

/** One place where a value does not match, with the rule in the schema's words. */
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
    super("JOB_SCHEMA", `The ${side} of job type ${type} does not match its schema: ${summary}`);
    this.side = side;
    this.issues = issues;
  }
}

/** The operation needs Postgres and the chosen driver is another. */
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

/** An idempotency key is known for a job of another type: nothing was stored. */
export class JobKeyTakenError extends JobRunnerError {
  constructor(type: string, other: { readonly id: string; readonly type: string }) {
    super(
      "JOB_KEY_TAKEN",
      `The idempotency key of a ${type} job belongs to job ${other.id} of type ${other.type}; put the type into the key.`,
    );
  }
}

/** An option or argument that the engine cannot work with. */
export class JobOptionError extends JobRunnerError {
  constructor(message: string, options?: ErrorOptions) {
    super("JOB_OPTION_INVALID", message, { ...options, isRetryable: false });
  }
}

export type SchemaSide = "input" | "output" | "event";

/** One lease that an operation refused, and why. */
export type LeaseRefusal = {
  readonly jobId: string;
  readonly error: JobNotInflightError | LeaseExpiredError | LeaseMismatchError;
};
