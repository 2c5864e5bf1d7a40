import { JobRunnerError } from "../contract/errors.ts";
import { type Completer, createCompleter } from "./completer.ts";
import { type Execution, executeJob, type Outcome, outcomeOf } from "./execute-job.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";
import type { Metrics } from "./metrics.ts";
import type { RunListeners } from "./run-listeners.ts";
import type { Settings } from "./settings.ts";
import { runFields, settleRun } from "./settle-run.ts";
import { storeRefusal } from "./write-errors.ts";
import { createWriteUnderLease } from "./write-under-lease.ts";

export type JobRunParts = {
  readonly heartbeat: Heartbeat;
  readonly listeners: RunListeners;
  deliverEvents(): Promise<void>;
  onDatabaseError(operation: string, error: unknown): void;
};

export type JobRuns = {
  perform(run: JobRun): Promise<void>;
  readonly completer: Completer;
  unwritten(): number;
};

/** Runs leased jobs to their outcome and stores it. */
export function createJobRuns(settings: Settings, metrics: Metrics, parts: JobRunParts): JobRuns {
  const { driver, logger } = settings;
  const { heartbeat, listeners, onDatabaseError } = parts;
  const executions = executionsOf(settings, parts);
  let settling = 0;

  const completer = createCompleter({
    driver,
    heartbeat,
    onSent: listeners.wakeFreed,
    onCompleted: listeners.onCompleted,
    onRefused: (run, error) =>
      logger.warn({ ...runFields(run), error_name: error.name }, "job completion refused"),
    onUnstorable: (run, error) => {
      const thrown = storeRefusal(run.job.jobId, "output", error);
      return settle(run, outcomeOf(run, settings.maxAttempts, thrown));
    },
    onError: (error) => onDatabaseError("ack", error),
  });
  const settlement = { ...settings, ...listeners, ...parts, completer, onError: onDatabaseError };

  async function perform(run: JobRun): Promise<void> {
    const execution = executions.get(run.job.type);
    if (execution === undefined)
      return heartbeat.lose(run, new JobRunnerError("JOB_TYPE_UNKNOWN", run.job.type));
    listeners.onStarted(run);
    const outcome = await executeJob(run, execution);
    metrics.observeRun(performance.now() - run.startedAtMs);
    if (outcome.kind === "completed") completer.add(run, outcome.output);
    else await settle(run, outcome);
  }

  async function settle(run: JobRun, outcome: Outcome): Promise<void> {
    const definition = executions.get(run.job.type)?.definition;
    if (definition === undefined) return;
    settling += 1;
    await settleRun(run, definition, outcome, settlement);
    settling -= 1;
  }

  /** Ended runs whose outcome is not stored yet. */
  const unwritten = () => completer.pending + settling;

  return { perform, completer, unwritten };
}

/** By type; created once, because a job runs in 5 µs. */
function executionsOf(settings: Settings, { heartbeat, onDatabaseError }: JobRunParts) {
  const services = {
    driver: settings.driver,
    logger: settings.logger,
    maxAttempts: settings.maxAttempts,
    async heartbeat(run: JobRun): Promise<boolean> {
      if (heartbeat.held.has(run)) await heartbeat.extend([run]);
      return heartbeat.holds(run);
    },
    requireLease: heartbeat.requireLease,
    writeUnderLease: createWriteUnderLease(heartbeat, onDatabaseError),
  };
  return new Map<string, Execution>(
    [...settings.jobs].map(([type, definition]) => [type, { ...services, definition }]),
  );
}
