import type { Logger } from "pino";
import type { z } from "zod";
import { LOG_LEVELS, type LogLevel, type NewWait } from "../contract/durable-store.ts";
import { type Instant, instantText } from "../contract/instant.ts";
import { checkOption, OPTIONS } from "../contract/option-schemas.ts";
import type { JobRun } from "./job-run.ts";
import type { LogFields } from "./log-text.ts";
import { parseValue } from "./parse-value.ts";
import { createProgressLog, type ProgressLog } from "./progress-log.ts";
import { createRunSteps, type RunSteps, type StepServices } from "./run-steps.ts";

/** The first argument of a job's `run`. */
export type JobContext = {
  readonly jobId: string;
  readonly type: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Identifies this lease of the job. Store it with writes that a worker must not make after losing the job. */
  readonly leaseToken: string;
  /** Aborts on timeout, cancel and drain, and before the lease ends: later writes of this run are rejected. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Extends the lease now; false when it is lost. Only needed by code that blocks: leases are extended automatically. */
  heartbeat(): Promise<boolean>;
  /**
   * Runs `perform` once per job: resumed runs get its stored result (converted to JSON and back, also in the first run). It runs
   * again if the process dies before the result is stored.
   */
  step<T>(name: string, perform: () => T | Promise<T>): Promise<T>;
  /** Suspends the job for a number of ms or until an instant. Its slot, lease and concurrency key are free in the meantime. */
  sleep(name: string, time: number | Instant): Promise<void>;
  /**
   * Suspends the job until an event of this name and key, sent after the job's creation. Undefined: none within timeoutMs.
   * Throws JobOptionError for a name or key that stores would change.
   */
  waitForEvent<Payload extends z.ZodType = z.ZodType>(
    name: string,
    wait: EventWait<Payload> & { readonly timeoutMs?: undefined },
  ): Promise<ReceivedEvent<z.output<Payload>>>;
  waitForEvent<Payload extends z.ZodType = z.ZodType>(
    name: string,
    wait: EventWait<Payload>,
  ): Promise<ReceivedEvent<z.output<Payload>> | undefined>;
  /** Stores the progress of the job, at most twice a second. Never throws: invalid numbers are stored as text. */
  progress(current: number, total?: number, message?: string): void;
  /** Adds a line to the job's log, by default at level "info". Never throws: fields that JSON cannot represent become text. */
  log(message: string, fields?: LogFields): void;
  log(level: LogLevel, message: string, fields?: LogFields): void;
};

export type EventWait<Payload extends z.ZodType = z.ZodType> = {
  readonly event: string;
  /** Default "": events without a key. */
  readonly key?: string;
  readonly timeoutMs?: number | undefined;
  /** Validates the payload. Throws JobSchemaError. */
  readonly payload?: Payload;
};

export type ReceivedEvent<Payload> = {
  readonly payload: Payload;
};

export type ContextServices = {
  readonly logger: Logger;
  heartbeat(run: JobRun): Promise<boolean>;
} & StepServices;

/** The context of one run. Its properties are computed on access. */
export class RunContext implements JobContext {
  readonly #run: JobRun;
  readonly #services: ContextServices;
  #steps: RunSteps | undefined = undefined;
  #progressLog: ProgressLog | undefined = undefined;

  constructor(run: JobRun, services: ContextServices) {
    this.#run = run;
    this.#services = services;
  }

  get jobId(): string {
    return this.#run.job.jobId;
  }

  get type(): string {
    return this.#run.job.type;
  }

  get attempt(): number {
    return this.#run.job.attempts + 1;
  }

  get leaseToken(): string {
    return this.#run.job.token;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get logger(): Logger {
    return this.#services.logger.child({ job_id: this.jobId, job_type: this.type });
  }

  heartbeat(): Promise<boolean> {
    return this.#services.heartbeat(this.#run);
  }

  step<T>(name: string, perform: () => T | Promise<T>): Promise<T> {
    return tolerated(this.#stepsOfRun().step(name, perform));
  }

  sleep(name: string, time: number | Instant): Promise<void> {
    return tolerated(this.#sleep(name, time));
  }

  waitForEvent<Payload extends z.ZodType = z.ZodType>(
    name: string,
    wait: EventWait<Payload> & { readonly timeoutMs?: undefined },
  ): Promise<ReceivedEvent<z.output<Payload>>>;
  waitForEvent<Payload extends z.ZodType = z.ZodType>(
    name: string,
    wait: EventWait<Payload>,
  ): Promise<ReceivedEvent<z.output<Payload>> | undefined>;
  waitForEvent(name: string, wait: EventWait): Promise<ReceivedEvent<unknown> | undefined> {
    return tolerated(this.#waitForEvent(name, wait));
  }

  progress(current: number, total?: number, message?: string): void {
    this.#progressLogOfRun().progress(current, total, message);
  }

  log(first: string, second?: string | LogFields, fields?: LogFields): void {
    const progressLog = this.#progressLogOfRun();
    const level = LOG_LEVELS.find((known) => known === first);
    if (typeof second !== "string") progressLog.log("info", first, second);
    else if (level === undefined) progressLog.log("info", `${first} ${second}`, fields);
    else progressLog.log(level, second, fields);
  }

  /** Resolves with the run's waits when its writes are stored; undefined if it used neither steps nor log. */
  settle(): Promise<readonly NewWait[]> | undefined {
    const [steps, progressLog] = [this.#steps, this.#progressLog];
    if (steps === undefined && progressLog === undefined) return undefined;
    return Promise.all([steps?.settle(), progressLog?.settle()]).then(([waits]) => waits ?? []);
  }

  async #sleep(name: string, time: number | Instant): Promise<void> {
    await this.#stepsOfRun().pause({ name, ...sleepTime(time) });
  }

  async #waitForEvent(name: string, wait: EventWait): Promise<ReceivedEvent<unknown> | undefined> {
    const { event, key = "", timeoutMs, payload: schema } = wait;
    checkOption(`An event that a ${this.type} job waits for`, OPTIONS.eventAddress, { name: event, key });
    const end = timeoutMs === undefined ? {} : sleepTime(timeoutMs);
    const { eventId, output } = await this.#stepsOfRun().pause({ name, event: { name: event, key }, ...end });
    if (eventId === null) return undefined;
    return { payload: schema === undefined ? output : parseValue(this.type, "event", schema, output) };
  }

  #stepsOfRun(): RunSteps {
    this.#steps ??= createRunSteps(this.#run, this.#services);
    return this.#steps;
  }

  #progressLogOfRun(): ProgressLog {
    this.#progressLog ??= createProgressLog(this.#run, this.#services);
    return this.#progressLog;
  }
}

/** A run suspended by one wait does not handle its other waits: their rejections must not end the process. */
function tolerated<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function sleepTime(time: number | Instant): { forMs: number } | { until: Instant } {
  if (typeof time !== "number") return { until: instantText(time) };
  checkOption("The milliseconds that a job sleeps", OPTIONS.delayMs, time);
  return { forMs: time };
}
