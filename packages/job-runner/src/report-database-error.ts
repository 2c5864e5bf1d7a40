import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";

/** Counts and logs database errors by operation: name and code, never a message that may hold data. */
export function createDatabaseErrorReport(metrics: Metrics, logger: Logger) {
  return (operation: string, error: unknown) => {
    metrics.databaseError(operation);
    const name = error instanceof Error ? error.name : typeof error;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    logger.warn({ operation, reason: code ?? name }, "database error");
  };
}
