import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";

/** While the database is away every claim fails: after the first line of an operation, one sums up the rest this often. */
const REPEAT_EVERY_MS = 30_000;

/** Counts each database error, and logs the first of an operation, then at most one line every 30 s with a count. */
export function createDatabaseErrorLog(logger: Logger, metrics: Metrics, nowMs = () => performance.now()) {
  const operations = new Map<string, { loggedAtMs: number; unlogged: number }>();

  return function onDatabaseError(operation: string, error: unknown): void {
    metrics.databaseError(operation);
    const last = operations.get(operation);
    if (last !== undefined && nowMs() - last.loggedAtMs < REPEAT_EVERY_MS) {
      last.unlogged += 1;
      return;
    }
    operations.set(operation, { loggedAtMs: nowMs(), unlogged: 0 });
    const errors = (last?.unlogged ?? 0) + 1;
    logger.warn({ operation, reason: reasonOf(error), errors }, "database error");
  };
}

/** Never the message: it may hold the statement's values. */
function reasonOf(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error ? error.code : error.name;
}
