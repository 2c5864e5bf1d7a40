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

/** What a job's `run` is given. */
export type JobContext = {
  readonly jobId: string;
  readonly type: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Names this lease of the job. Write it beside what must not be written by a worker that lost the job. */
  readonly leaseToken: string;
  /** Aborts on timeout, cancel, drain, and before the lease ends: after that nothing this run writes will count. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Extends the lease now; false when it is lost. Beats happen by themselves: only code that blocks needs it. */
  heartbeat(): Promise<boolean>;
  /**
   * Runs `perform` once in the job's life: a run that resumes the job gets what it returned (as JSON gives it back, in the
   * first run, too) and does not run it again. It is run again if its process dies before the result is stored.
   */
  step<T>(name: string, perform: () => T | Promise<T>): Promise<T>;
  /** Suspends the job for so many ms, or until an instant: its slot, lease and concurrency key are free meanwhile. */
  sleep(name: string, time: number | Instant): Promise<void>;
  /**
   * Suspends the job until an event of this name and key was sent, at the earliest when the job was created. Undefined:
   * none came within timeoutMs. Throws JobOptionError for a name or key that cannot be stored as it is.
   */
  waitForEvent<Payload extends z.ZodType = z.ZodType>(
    name: string,
    wait: EventWait<Payload> & { readonly timeoutMs?: undefined },
  ): Promise<ReceivedEvent<z.output<Payload>>>;
  waitForEvent<Payload extends z.ZodType = z.ZodType>(
    name: string,
    wait: EventWait<Payload>,
  ): Promise<ReceivedEvent<z.output<Payload>> | undefined>;
  /** Tells how far the job has come; written at most twice a second. Never throws: a figure that is none is told in words. */
  progress(current: number, total?: number, message?: string): void;
  /** Adds a line to the job's log, at level "info" unless another is given. Never throws: fields that JSON cannot carry become text. */
  log(message: string, fields?: LogFields): void;
  log(level: LogLevel, message: string, fields?: LogFields): void;
};

export type EventWait<Payload extends z.ZodType = z.ZodType> = {
  readonly event: string;
  /** Default "": events that were sent without a key. */
  readonly key?: string;
  readonly timeoutMs?: number | undefined;
  /** Checks the payload. Throws JobSchemaError. */
  readonly payload?: Payload;
};

export type ReceivedEvent<Payload> = {
  readonly payload: Payload;
};

export type ContextServices = {
  readonly logger: Logger;
  heartbeat(run: JobRun): Promise<boolean>;
} & StepServices;

/** The context of one run; all of it is read from the run when asked for. */
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

  /** Resolves with what the run waits for once all that it wrote is stored; undefined: it used none of that. */
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

/** A run that is suspended by one wait never looks at the others: what nobody awaits must not end the process. */
function tolerated<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function sleepTime(time: number | Instant): { forMs: number } | { until: Instant } {
  if (typeof time !== "number") return { until: instantText(time) };
  checkOption("The milliseconds that a job sleeps", OPTIONS.delayMs, time);
  return { forMs: time };
}
