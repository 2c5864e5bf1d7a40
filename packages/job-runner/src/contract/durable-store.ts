import type { At, Lease, PostgresClient } from "./driver.ts";
import type { Instant } from "./instant.ts";
import type { JsonText } from "./storable-json.ts";

/** What a job has done or waits for, under a name that is unique in the job. */
export type StepRecord = {
  readonly name: string;
  readonly kind: "step" | "sleep" | "event";
  /** Null: the job still waits for it. */
  readonly finishedAt: string | null;
  /** What the step returned, or the event's payload: a JSON value. Undefined: nothing (yet). */
  readonly output: unknown;
  /** When the sleep ends or the wait for an event gives up; `infinity`: never. Null for a step. */
  readonly wakeAt: string | null;
  /** What is waited for; null for steps and sleeps. */
  readonly event: EventAddress | null;
  /** The store's id of the event that was received. A finished wait without one has timed out. */
  readonly eventId: string | null;
  readonly createdAt: string;
};

export type EventAddress = {
  readonly name: string;
  /** Equal to the wait's key; "" where none was given. */
  readonly key: string;
};

export type FinishedStep = {
  readonly name: string;
  /** Undefined: none. */
  readonly output: JsonText | undefined;
};

/** A sleep, or with `event` a wait for an event. Without `until` and `forMs` it has no end. */
export type NewWait = {
  readonly name: string;
  readonly event?: EventAddress;
  readonly until?: Instant;
  /** Milliseconds from now, by the store's clock. Wins over until. */
  readonly forMs?: number;
};

export type NewEvent = {
  readonly payload: JsonText;
  /** The sender's own id: of events with the same name and id only the first is stored. */
  readonly id?: string;
} & EventAddress;

export type StoredEvent = {
  readonly id: string;
  /** True when an event of this name and id was known: nothing was stored. */
  readonly existed: boolean;
};

export type JobProgress = {
  readonly current: number;
  readonly total: number | null;
  readonly message: string | null;
};

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type NewLogLine = {
  readonly level: LogLevel;
  readonly message: string;
  /** A JSON object, or null. */
  readonly fields: Readonly<Record<string, unknown>> | null;
  /** When the job said it, by the worker's clock. ISO text. */
  readonly loggedAt: string;
};

export type LogLine = {
  /** 1 for the job's first line. */
  readonly line: number;
} & NewLogLine;

const ATTEMPT_OUTCOMES = ["running", "completed", "failed", "lease_lost", "cancelled"] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** One run of a job, from its claim on. */
export type AttemptRecord = {
  /** As the run knew it (`ctx.attempt`): the run after a lost lease has the same number, as only failures are counted. */
  readonly attempt: number;
  readonly leaseGeneration: number;
  readonly workerId: string | null;
  /** When it was claimed; of a job that has slept, when it was claimed last. */
  readonly startedAt: string;
  /** Null: it is still running. */
  readonly endedAt: string | null;
  readonly outcome: AttemptOutcome;
  /** Why it failed, or was cancelled. */
  readonly error: string | null;
};

/** Unsuccessful runs of one job that are kept: the newest. The migrations have the same figure. */
export const ATTEMPTS_KEPT_MAX = 100;

/** Lines of one job that are kept; later ones are dropped. */
export const LOG_LINES_MAX = 1000;

/**
 * Durable execution: steps, waits and events, and what a job tells of itself. Every operation that takes a lease throws
 * JobNotInflightError, LeaseExpiredError or LeaseMismatchError, in this order, and then has changed nothing.
 *
 * No wake-up is lost: whoever writes (a wait, an event) commits first and then calls deliverEvents, which looks at all
 * that nobody has looked at since it was committed. A process that dies between leaves it to the next call of anyone.
 */
export type DurableStore = {
  /** Every step of the job, in the order of their names, after ending the sleeps and waits whose time has come. */
  resumeSteps(lease: Lease, at?: At): Promise<StepRecord[]>;
  /** Stores the result of a step. Storing it again under the same lease succeeds. */
  saveStep(lease: Lease, step: FinishedStep, at?: At): Promise<void>;
  /**
   * Stores the waits and puts the job back: queued until the first of them ends (no attempt counted, lease and key
   * released). A wait that is known keeps its first time. One that has ended meanwhile makes the job runnable at once.
   * Returns the milliseconds until the job is due; null: only an event wakes it.
   */
  suspend(lease: Lease, waits: readonly NewWait[], at?: At): Promise<number | null>;
  /** Stores an event, and delivers it to nobody. Takes the caller's transaction on Postgres. */
  storeEvent(event: NewEvent, options?: At & { readonly transaction?: PostgresClient }): Promise<StoredEvent>;
  /**
   * Gives each wait the oldest event of its name and key that was stored since its job was created and that no other
   * wait of the job has received, and makes these jobs runnable. Every waiting job receives the event. Returns the
   * queues of the jobs that it woke.
   */
  deliverEvents(at?: At): Promise<string[]>;
  setProgress(lease: Lease, progress: JobProgress, at?: At): Promise<void>;
  /** Appends lines to the job's log, LOG_LINES_MAX in all. */
  appendLog(lease: Lease, lines: readonly NewLogLine[], at?: At): Promise<void>;
  /** The steps of any job that is still known, archived or not, in the order of their creation. */
  stepsOf(jobId: string): Promise<StepRecord[]>;
  /** The runs of any job that is still known, oldest first: those that failed, the one that goes on or has completed the job. */
  attemptsOf(jobId: string): Promise<AttemptRecord[]>;
  /** Lines of the job's log behind `after`, oldest first. */
  logOf(jobId: string, page: { readonly limit: number; readonly after?: number }): Promise<LogLine[]>;
};
