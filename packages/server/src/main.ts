import { boot, DRAIN_MAX_MS } from "./boot.ts";
import { describeDatabaseError, isUnavailable } from "./db/database-errors.ts";
import { WAIT_STOPPED } from "./db/wait-for-database.ts";
import { loadConfig } from "./environment.ts";
import { WharfError } from "./errors.ts";
import { createLogOutput } from "./log-output.ts";
import { createLogger } from "./logger.ts";
import { exitOnSignal } from "./signals.ts";

try {
  const config = loadConfig();
  const output = createLogOutput(process.stdout);
  // Writes without the logger must not end the process when the output has no reader.
  process.stderr.on("error", () => undefined);
  const logger = createLogger(config.logLevel, process.stdout.isTTY, output);
  const stopping = new AbortController();
  const { linesDropped: logLinesDropped } = output;
  const starting = boot(config, logger, { logLinesDropped, stopping: stopping.signal });
  // Also while it starts: a database of our own must not be left behind.
  const drain = async () => {
    stopping.abort();
    const server = await starting.catch(nullWhenStopped);
    await server?.drain();
  };
  exitOnSignal({ drain, deadlineMs: DRAIN_MAX_MS, logger });
  // A start that a signal has stopped is ended by the drain.
  await starting.catch(nullWhenStopped);
} catch (error) {
  const reason = error instanceof WharfError ? `${error.message} (${error.code})` : describeOther(error);
  process.stderr.write(`Wharf did not start: ${reason}\n`);
  process.exit(1);
}

function nullWhenStopped(error: unknown): null {
  if (error instanceof WharfError && error.code === WAIT_STOPPED) return null;
  throw error;
}

function describeOther(error: unknown): string {
  if (isUnavailable(error)) return `${describeDatabaseError(error)}.`;
  const logger = createLogger("error", false);
  logger.error({ err: error }, "startup failed");
  return "unexpected error; see the log line above.";
}
