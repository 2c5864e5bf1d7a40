import { flushLog, type Logger } from "./logger.ts";

export type ShutdownOptions = { drain: () => Promise<void>; deadlineMs: number; logger: Logger };

/** The last lines wait no longer than this for an output that does not take them. */
const LOG_FLUSH_MS = 500;
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * Drains once and exits 0. A signal may come several times, to the process and to its group: repeated ones are ignored.
 * A drain that fails or takes longer than its deadline exits 1.
 */
export function exitOnSignal({ drain, deadlineMs, logger }: ShutdownOptions): void {
  let draining = false;

  async function shutDown(signal: string): Promise<void> {
    if (draining) return;
    draining = true;
    logger.info({ signal }, "draining");
    const startedAt = performance.now();
    setTimeout(() => {
      logger.error({ deadline_ms: deadlineMs }, "drain timed out");
      process.exit(1);
    }, deadlineMs);
    try {
      await drain();
      logger.info({ duration_ms: Math.round(performance.now() - startedAt) }, "drained");
      await flushLog(logger, LOG_FLUSH_MS);
      process.exit(0);
    } catch (error) {
      logger.error({ err: error }, "drain failed");
      await flushLog(logger, LOG_FLUSH_MS);
      process.exit(1);
    }
  }

  for (const signal of SIGNALS) process.on(signal, () => void shutDown(signal));
  // An unhandled rejection is a defect to be logged, not a reason to lose the requests under way.
  process.on("unhandledRejection", (error) => logger.error({ err: error }, "unhandled promise rejection"));
}
