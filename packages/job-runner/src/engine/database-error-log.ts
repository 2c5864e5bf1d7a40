import type { Logger } from "pino";
import { failureOf } from "./failure.ts";
import type { Metrics } from "./metrics.ts";

/** While the database is unavailable every claim fails: after the first line of an operation, summaries are logged this often. */
const REPEAT_EVERY_MS = 30_000;

/** Counts each database error, and logs the first of an operation, then at most one line every 30 s with a count. */
export function createDatabaseErrorLog(logger: Logger, metrics: Metrics, nowMs = () => performance.now()) {
  const errorsToLog = createRepeats(nowMs);

  return function onDatabaseError(operation: string, error: unknown): void {
    metrics.databaseError(operation);
    const errors = errorsToLog(operation);
    if (errors > 0) logger.warn({ operation, reason: reasonOf(error), errors }, "database error");
  };
}

/** The same for schedules that fail to enqueue their ticks. */
export function createScheduleErrorLog(logger: Logger, metrics: Metrics, nowMs = () => performance.now()) {
  const errorsToLog = createRepeats(nowMs);

  return function onScheduleError(schedule: string, error: unknown): void {
    metrics.scheduleError(schedule);
    const errors = errorsToLog(schedule);
    const reason = failureOf(error).text;
    if (errors > 0) logger.error({ schedule, reason, errors }, "schedule could not enqueue its job");
  };
}

/** The number of errors to report in a line now; 0: log no line. */
function createRepeats(nowMs: () => number) {
  const kinds = new Map<string, { loggedAtMs: number; unlogged: number }>();

  return function errorsToLog(kind: string): number {
    const last = kinds.get(kind);
    if (last !== undefined && nowMs() - last.loggedAtMs < REPEAT_EVERY_MS) {
      last.unlogged += 1;
      return 0;
    }
    kinds.set(kind, { loggedAtMs: nowMs(), unlogged: 0 });
    return (last?.unlogged ?? 0) + 1;
  };
}

/** Not the message, which may contain values of the statement. */
function reasonOf(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error ? error.code : error.name;
}
