import type { Logger } from "pino";
import { type Backoff, backoffMs, RETRY_BACKOFF } from "./backoff.ts";
import type { Completer } from "./completer.ts";
import type { JobDefinition } from "./define-job.ts";
import type { Driver } from "./drivers/driver.ts";
import type { NewWait } from "./drivers/durable-store.ts";
import { JobRunnerError } from "./errors.ts";
import type { Outcome } from "./execute-job.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";

const WRITE_BACKOFF: Backoff = { baseMs: 20, factor: 2, maxMs: 1000, jitter: 0.2 };

export interface Settlement {
  readonly driver: Driver;
  readonly completer: Completer;
  readonly heartbeat: Heartbeat;
  readonly logger: Logger;
  random(): number;
  /** A job was put back to run after a delay. */
  onRetry(run: JobRun, delayMs: number): void;
  /** A job was put back until its time (in ms) or, with null, an event comes. */
  onSuspended(run: JobRun, wakeInMs: number | null): void;
  /** A job is dead. */
  onFailed(run: JobRun): void;
  deliverEvents(): Promise<void>;
  onError(operation: string, error: unknown): void;
}

/** Writes down how a run ended. Never throws; a write that the database fails is tried again while the lease holds. */
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
    await suspendRun(run, outcome.waits, settlement);
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
    const isWritten = await write(run, "retry", settlement, () => driver.retry(run.job, { error, delayMs }));
    if (isWritten) settlement.onRetry(run, delayMs);
    return;
  }
  const request = { error, kind: outcome.failureKind };
  if (await write(run, "fail", settlement, () => driver.fail(run.job, request))) settlement.onFailed(run);
}

/** Writes the waits down, then looks for their events: whoever writes looks afterwards, so no wake-up is lost. */
async function suspendRun(run: JobRun, waits: readonly NewWait[], settlement: Settlement) {
  let wakeInMs: number | null = null;
  const isWritten = await write(run, "suspend", settlement, async () => {
    wakeInMs = await settlement.driver.suspend(run.job, waits);
  });
  if (!isWritten) return;
  if (waits.some((wait) => wait.event !== undefined)) await settlement.deliverEvents();
  settlement.onSuspended(run, wakeInMs);
}

/** True when the outcome was written; false when the lease was lost before. */
async function write(run: JobRun, operation: string, settlement: Settlement, send: () => Promise<void>) {
  const { heartbeat } = settlement;
  for (let failures = 1; heartbeat.held.has(run); failures += 1) {
    try {
      await send();
      heartbeat.letGo(run);
      return true;
    } catch (error) {
      if (error instanceof JobRunnerError) heartbeat.lose(run, error);
      else {
        settlement.onError(operation, error);
        await Bun.sleep(backoffMs(failures, WRITE_BACKOFF));
      }
    }
  }
  return false;
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

/** What every log line about a run carries. Times are ISO text. */
export function runFields(run: JobRun) {
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
