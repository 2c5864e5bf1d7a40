import pino from "pino";
import { prettyFactory } from "pino-pretty";
import { describeDatabaseError, errorCode } from "./db/database-errors.ts";
import { WharfError } from "./errors.ts";
import { withoutKeys } from "./keys/api-key.ts";
import { createLogOutput } from "./log-output.ts";
import { within } from "./waits.ts";

export type Logger = pino.Logger;

type LogDestination = pino.DestinationStream & { flush?(done: () => void): void };

const MESSAGE_CHARACTERS_MAX = 500;
const ERROR_KEYS = new Set(["err", "error"]);

/**
 * JSON lines to `destination` (standard output); on a terminal, readable lines. Errors are logged by an allow list,
 * under any key: a driver's error holds connection strings and values.
 */
export function createLogger(
  level: string,
  isTerminal: boolean,
  destination: LogDestination = createLogOutput(process.stdout),
): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serializeError, error: serializeError },
    formatters: { log: serializeErrors },
    hooks: { logMethod: addMessage },
  };
  return pino(options, isTerminal ? readable(destination) : destination);
}

/** Resolves when the destination has taken all lines, or after `deadlineMs`. */
export function flushLog(logger: Logger, deadlineMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  logger.flush(() => resolve());
  return within(promise, deadlineMs);
}

/** One line for each entry, but for the stack of an error. In this thread: the output neither blocks nor grows without bound. */
function readable(destination: LogDestination): LogDestination {
  const format = prettyFactory({
    colorize: true,
    translateTime: "SYS:HH:MM:ss",
    ignore: "pid,hostname",
    singleLine: true,
  });
  return { ...destination, write: (line) => destination.write(format(line)) };
}

/** An error without a message of ours: pino would take the error's own, as it is. */
function addMessage(this: Logger, inputs: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const [first, ...rest] = inputs;
  if (rest.length === 0 && holdsError(first)) method.call(this, first, "an error");
  else method.apply(this, inputs);
}

function holdsError(value: unknown): value is object {
  if (value instanceof Error) return true;
  return typeof value === "object" && value !== null && "err" in value && value.err instanceof Error;
}

/** Those that have no serializer of their own. */
function serializeErrors(fields: Record<string, unknown>): Record<string, unknown> {
  const errors = Object.entries(fields).filter(
    ([key, value]) => value instanceof Error && !ERROR_KEYS.has(key),
  );
  return errors.length === 0
    ? fields
    : { ...fields, ...Object.fromEntries(errors.map(([key, value]) => [key, serializeError(value)])) };
}

/** What may be logged of an error: its kind, its code, a message that is known to be safe, and where it came from. */
export function serializeError(error: unknown): Record<string, unknown> {
  const name = error instanceof Error ? error.name : typeof error;
  const code = error instanceof WharfError ? error.code : errorCode(error);
  const message = isOwnOrDatabaseError(error) ? describeDatabaseError(error) : plainMessage(error);
  const stack = error instanceof Error ? stackFrames(error) : undefined;
  return {
    type: name,
    ...(code === undefined ? {} : { code }),
    message,
    ...(stack === undefined ? {} : { stack }),
  };
}

function isOwnOrDatabaseError(error: unknown): boolean {
  return error instanceof WharfError || errorCode(error) !== undefined;
}

function plainMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : "not an Error";
  // A pattern for URLs, which takes longer than linear time, reads a bounded text.
  return withoutKeys(text)
    .slice(0, 2 * MESSAGE_CHARACTERS_MAX)
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, "[url]")
    .slice(0, MESSAGE_CHARACTERS_MAX);
}

/** The frames without the first line, which repeats the message. */
function stackFrames(error: Error): string | undefined {
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line));
  return frames === undefined || frames.length === 0 ? undefined : frames.slice(0, 10).join("\n");
}
