import type { FailureKind } from "../contract/driver.ts";
import type { NewWait } from "../contract/durable-store.ts";
import { JobTimeoutError } from "../contract/errors.ts";
import { type JsonText, jsonOf } from "../contract/storable-json.ts";
import type { JobDefinition } from "./define-job.ts";
import { type Failure, failureOf } from "./failure.ts";
import { type ContextServices, RunContext } from "./job-context.ts";
import type { JobRun } from "./job-run.ts";

/** How long an aborted run may continue before its slot is used for another job. */
const ABORT_GRACE_MS = 5000;

export type Outcome =
  | { readonly kind: "completed"; readonly output: JsonText | undefined }
  | { readonly kind: "retry"; readonly failure: Failure }
  | { readonly kind: "fail"; readonly failure: Failure; readonly failureKind: FailureKind }
  /** The run sleeps or waits for events: it has not failed, and the job has not ended. */
  | { readonly kind: "suspend"; readonly waits: readonly NewWait[] }
  /** The lease was lost or released: nothing may be written for this run. */
  | { readonly kind: "lost"; readonly failure: Failure };

export type Execution = {
  readonly definition: JobDefinition;
  /** Upper limit of attempts for all jobs. */
  readonly maxAttempts: number;
} & ContextServices;

/** Runs one leased job to its outcome; never throws. A timeout is an ordinary failure. */
export async function executeJob(run: JobRun, execution: Execution): Promise<Outcome> {
  const timer = startTimeout(run);
  const context = new RunContext(run, execution);
  let outcome: Outcome;
  try {
    const output = await untilSettledOrAbandoned(run, execution.definition.perform(context, run.job.payload));
    if (run.abortReason) throw run.abortReason;
    const what = `The output of a ${run.job.type} job`;
    outcome = { kind: "completed", output: output === undefined ? undefined : jsonOf(what, output) };
  } catch (thrown) {
    outcome = outcomeOf(run, execution.maxAttempts, run.abortReason ?? thrown);
  }
  const written = context.settle();
  if (written !== undefined) outcome = await settle(run, written, outcome, execution);
  if (timer !== undefined) clearTimeout(timer);
  return outcome;
}

/** Waits for the run's pending writes. A suspended run stays suspended, even if its code caught the error. */
async function settle(
  run: JobRun,
  written: Promise<readonly NewWait[]>,
  outcome: Outcome,
  execution: Execution,
): Promise<Outcome> {
  const waits = await untilSettledOrAbandoned(run, written).catch(() => []);
  if (run.abortReason) return outcomeOf(run, execution.maxAttempts, run.abortReason);
  return waits.length > 0 ? { kind: "suspend", waits } : outcome;
}

function startTimeout(run: JobRun) {
  const { jobId, timeoutMs } = run.job;
  if (timeoutMs === null) return undefined;
  return setTimeout(() => run.abort(new JobTimeoutError(jobId, timeoutMs)), timeoutMs);
}

/** Waits for the run; after an abort, no longer than the grace period. */
function untilSettledOrAbandoned<T>(run: JobRun, running: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    running.then(resolve, reject);
    run.onAbort = () => void setTimeout(() => reject(run.abortReason), ABORT_GRACE_MS).unref();
    if (run.abortReason) run.onAbort();
  });
}

/** The outcome of a run that threw. Never throws, for any thrown value. */
export function outcomeOf(run: JobRun, maxAttempts: number, thrown: unknown): Outcome {
  const failure = failureOf(thrown);
  if (failure.kind === null) return { kind: "lost", failure };
  if (failure.kind !== "retryable") return { kind: "fail", failure, failureKind: failure.kind };
  if (run.job.attempts + 1 >= Math.min(run.job.maxAttempts, maxAttempts)) {
    return { kind: "fail", failure, failureKind: "attempts_exhausted" };
  }
  return { kind: "retry", failure };
}
