import { boot, DRAIN_MAX_MS } from "./boot.ts";
import { loadConfig } from "./environment.ts";
import { WharfError } from "./errors.ts";
import { createLogOutput } from "./log-output.ts";
import { createLogger } from "./logger.ts";
import { exitOnSignal } from "./signals.ts";

try {
  const config = loadConfig();
  const output = createLogOutput(process.stdout);
  // What is written there without the logger must not end the process when nobody reads it.
  process.stderr.on("error", () => undefined);
  const logger = createLogger(config.logLevel, process.stdout.isTTY, output);
  const starting = boot(config, logger, output.linesDropped);
  // Also while it starts: a database of our own must not be left behind.
  exitOnSignal({ drain: async () => (await starting).drain(), deadline_ms: DRAIN_MAX_MS, logger });
  await starting;
} catch (error) {
  const reason = error instanceof WharfError ? `${error.message} (${error.code})` : describeUnexpected(error);
  process.stderr.write(`Wharf did not start: ${reason}\n`);
  process.exit(1);
}

function describeUnexpected(error: unknown): string {
  const logger = createLogger("error", false);
  logger.error({ err: error }, "boot failed");
  return "an unexpected error, which the line above describes.";
}
