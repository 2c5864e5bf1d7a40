import type { Logger } from "pino";
import type { Driver } from "../contract/driver.ts";
import type { NewWait } from "../contract/durable-store.ts";
import { backoffMs, RETRY_BACKOFF } from "./backoff.ts";
import type { Completer } from "./completer.ts";
import type { JobDefinition } from "./define-job.ts";
import { type Outcome, outcomeOf } from "./execute-job.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import { resend, storeRefusal, verdictOn } from "./write-errors.ts";

export type Settlement = {
  readonly driver: Driver;
  readonly completer: Completer;
  readonly heartbeat: Heartbeat;
  readonly logger: Logger;
  /** Upper limit of attempts for all jobs. */
  readonly maxAttempts: number;
  random(): number;
  /** A job was requeued to run after a delay. */
  onRetry(run: JobRun, delayMs: number): void;
  /** A job was queued until its time (in ms) or, with null, an event. */
  onSuspended(run: JobRun, wakeInMs: number | null): void;
  /** A job became a dead letter. */
  onFailed(run: JobRun): void;
  deliverEvents(): Promise<void>;
  onError(operation: string, error: unknown): void;
};

/** Stores the outcome of a run. Never throws. A write with a temporary error is retried while the lease holds. */
export async function settleRun(
  run: JobRun,
  definition: JobDefinition,
  outcome: Outcome,
  settlement: Settlement,
): Promise<void> {
  const { completer, driver, heartbeat } = settlement;
  if (outcome.kind === "completed") {
    completer.add(run, outcome.output);
    return;
  }
  if (outcome.kind === "suspend") {
    const refusal = await suspendRun(run, outcome.waits, settlement);
    if (refusal === undefined) return;
    await settleRun(run, definition, outcomeOf(run, settlement.maxAttempts, refusal), settlement);
    return;
  }
  logOutcome(run, outcome, settlement.logger);
  if (outcome.kind === "lost") {
    heartbeat.letGo(run);
    return;
  }
  const error = outcome.failure.text;
  if (outcome.kind === "retry") {
    const delayMs = backoffMs(
      run.job.attempts + 1,
      { ...RETRY_BACKOFF, ...definition.backoff },
      settlement.random,
    );
    const written = await write(run, "retry", settlement, () => driver.retry(run.job, { error, delayMs }));
    if (written.kind === "written") settlement.onRetry(run, delayMs);
    else heartbeat.letGo(run);
    return;
  }
  const request = { error, kind: outcome.failureKind };
  const written = await write(run, "fail", settlement, () => driver.fail(run.job, request));
  if (written.kind === "written") settlement.onFailed(run);
  else heartbeat.letGo(run);
}

/**
 * Stores the waits, then checks for their events: every writer checks after its write, so no wake-up is lost. Returns the error
 * if the store rejects the waits permanently: the attempt failed.
 */
async function suspendRun(run: JobRun, waits: readonly NewWait[], settlement: Settlement) {
  let wakeInMs: number | null = null;
  const written = await write(run, "suspend", settlement, async () => {
    wakeInMs = await settlement.driver.suspend(run.job, waits);
  });
  if (written.kind === "refused") return storeRefusal(run.job.jobId, "waits", written.error);
  if (written.kind === "lost") return undefined;
  if (waits.some((wait) => wait.event !== undefined)) await settlement.deliverEvents();
  settlement.onSuspended(run, wakeInMs);
  return undefined;
}

/** `lost`: the lease was lost before. `refused`: the lease is still held; it expires and the job is recovered. */
type Written = { readonly kind: "written" | "lost" } | { readonly kind: "refused"; readonly error: unknown };

async function write(
  run: JobRun,
  operation: string,
  { heartbeat, onError }: Settlement,
  send: () => Promise<void>,
): Promise<Written> {
  const isHeld = () => heartbeat.held.has(run);
  if (!isHeld()) return { kind: "lost" };
  try {
    await resend(send, { isHeld, onError: (error) => onError(operation, error) });
    heartbeat.letGo(run);
    return { kind: "written" };
  } catch (error) {
    if (isHeld() && verdictOn(error) !== "lease") return { kind: "refused", error };
    if (error instanceof Error) heartbeat.lose(run, error);
    return { kind: "lost" };
  }
}

function logOutcome(
  run: JobRun,
  outcome: Exclude<Outcome, { kind: "completed" | "suspend" }>,
  logger: Logger,
) {
  const fields = {
    ...runFields(run),
    outcome: outcome.kind,
    error_name: outcome.failure.name,
    stack: outcome.failure.stack,
  };
  if (outcome.kind === "fail") logger.error(fields, "job failed");
  else logger.warn(fields, outcome.kind === "retry" ? "job attempt failed" : "job lost");
}

export type RunFields = {
  job_id: string;
  job_type: string;
  attempt: number;
  claimed_at: string;
  started_at: string;
  ended_at: string;
};

/** The fields of every log line about a run. Times are ISO text. */
export function runFields(run: JobRun): RunFields {
  const { job } = run;
  return {
    job_id: job.jobId,
    job_type: job.type,
    attempt: job.attempts + 1,
    claimed_at: isoTime(run.claimedAtMs),
    started_at: isoTime(run.startedAtMs),
    ended_at: isoTime(performance.now()),
  };
}

function isoTime(monotonicMs: number): string {
  return new Date(performance.timeOrigin + monotonicMs).toISOString();
}
