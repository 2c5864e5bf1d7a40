import type { At, Lease, PostgresClient } from "./driver.ts";
import type { Instant } from "./instant.ts";
import type { JsonText } from "./storable-json.ts";

/** A step, sleep or wait of a job, with a name that is unique in the job. */
export type StepRecord = {
  readonly name: string;
  readonly kind: "step" | "sleep" | "event";
  /** Null: not finished yet. */
  readonly finishedAt: string | null;
  /** The step's result, or the event's payload: a JSON value. Undefined: none (yet). */
  readonly output: unknown;
  /** The end of the sleep, or the timeout of the wait; `infinity`: none. Null for a step. */
  readonly wakeAt: string | null;
  /** The awaited event; null for steps and sleeps. */
  readonly event: EventAddress | null;
  /** The store's id of the received event. A finished wait without one has timed out. */
  readonly eventId: string | null;
  readonly createdAt: string;
};

export type EventAddress = {
  readonly name: string;
  /** The key of the wait; "" without one. */
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
  /** Milliseconds from now, by the store's clock. Takes precedence over `until`. */
  readonly forMs?: number;
};

export type NewEvent = {
  readonly payload: JsonText;
  /** The sender's id: of events with the same name and id only the first is stored. */
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
  /** By the worker's clock, as ISO text. */
  readonly loggedAt: string;
};

export type LogLine = {
  /** 1 for the first line of the job. */
  readonly line: number;
} & NewLogLine;

const ATTEMPT_OUTCOMES = ["running", "completed", "failed", "lease_lost", "cancelled"] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** One run of a job. */
export type AttemptRecord = {
  /** `ctx.attempt` of the run. A run after a lost lease has the same number, because only failures are counted. */
  readonly attempt: number;
  readonly leaseGeneration: number;
  readonly workerId: string | null;
  /** Time of the claim; for a job that slept, of the last claim. */
  readonly startedAt: string;
  /** Null: it is still running. */
  readonly endedAt: string | null;
  readonly outcome: AttemptOutcome;
  /** The error, or the reason of the cancellation. */
  readonly error: string | null;
};

/** Unsuccessful runs that are kept per job, the newest ones. The migrations contain the same number. */
export const ATTEMPTS_KEPT_MAX = 100;

/** Log lines per job; later ones are dropped. */
export const LOG_LINES_MAX = 1000;

/**
 * Durable execution: steps, waits, events, progress and log. Every operation with a lease throws JobNotInflightError,
 * LeaseExpiredError or LeaseMismatchError, checked in this order, and then changes nothing.
 *
 * No wake-up is lost: the writer of a wait or an event commits first and then calls deliverEvents, which compares all waits and
 * events that were not compared since their commit. If the process dies in between, the next call of any process does it.
 */
export type DurableStore = {
  /** Ends waits whose event is stored, then sleeps and waits that are due, and returns every step of the job, ordered by name. */
  resumeSteps(lease: Lease, at?: At): Promise<StepRecord[]>;
  /** Stores the result of a step. Repeating it under the same lease succeeds. */
  saveStep(lease: Lease, step: FinishedStep, at?: At): Promise<void>;
  /**
   * Stores the waits and queues the job until the first of them ends (no attempt is counted, lease and key are released). A
   * known wait keeps its first time. If one has ended in the meantime, the job is runnable immediately. Returns the
   * milliseconds until the job is due; null: only an event wakes it.
   */
  suspend(lease: Lease, waits: readonly NewWait[], at?: At): Promise<number | null>;
  /** Stores an event without delivering it. On Postgres, optionally in the caller's transaction. */
  storeEvent(event: NewEvent, options?: At & { readonly transaction?: PostgresClient }): Promise<StoredEvent>;
  /**
   * Ends each wait with the oldest event of its name and key that was stored after its job was created and that no other
   * wait of the job received, and makes these jobs runnable. Every waiting job receives the event. Returns the queues of
   * the woken jobs.
   */
  deliverEvents(at?: At): Promise<string[]>;
  setProgress(lease: Lease, progress: JobProgress, at?: At): Promise<void>;
  /** Appends lines to the job's log, up to LOG_LINES_MAX in total. */
  appendLog(lease: Lease, lines: readonly NewLogLine[], at?: At): Promise<void>;
  /** The steps of a stored or archived job, ordered by creation. */
  stepsOf(jobId: string): Promise<StepRecord[]>;
  /** The runs of a stored or archived job, oldest first: failed ones, and the current or completing one. */
  attemptsOf(jobId: string): Promise<AttemptRecord[]>;
  /** Lines of the job's log after `after`, oldest first. */
  logOf(jobId: string, page: { readonly limit: number; readonly after?: number }): Promise<LogLine[]>;
};
