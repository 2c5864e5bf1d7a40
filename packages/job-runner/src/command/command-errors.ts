import { JobRunnerError } from "../contract/errors.ts";
import type { Limit } from "./supervisor-messages.ts";

/** Details of a failed command. */
export type CommandFailure = {
  readonly isRetryable: boolean;
  /** The end of its stderr, in UTF-8. */
  readonly stderrTail: string;
};

/** Its message ends with the command's output; its stack, which is logged, does not. */
class CommandError extends JobRunnerError {
  constructor(code: string, message: string, { isRetryable, stderrTail }: CommandFailure) {
    super(code, message, { isRetryable });
    const stack = this.stack ?? "";
    if (stderrTail !== "") this.message = `${message} Its stderr ended with:\n${stderrTail}`;
    this.stack = stack;
  }
}

/** The command exceeded a limit and was ended with all its child processes. */
export class CommandLimitError extends CommandError {
  readonly limit: Limit;

  constructor(limit: Limit, max: number, failure: CommandFailure) {
    const message = `The command exceeded its ${limit} limit of ${max} ${UNITS[limit]} and was ended; increase the limit or reduce its use.`;
    super("COMMAND_LIMIT", message, failure);
    this.limit = limit;
  }
}

/** The command ended with an exit code other than 0 or by a signal. */
export class CommandExitError extends CommandError {
  readonly exitCode: number | null;
  readonly signal: string | null;

  constructor(exit: { exitCode: number | null; signal: string | null }, failure: CommandFailure) {
    const how = exit.signal === null ? `exit code ${exit.exitCode}` : `signal ${exit.signal}`;
    super("COMMAND_FAILED", `The command ended with ${how}.`, failure);
    this.exitCode = exit.exitCode;
    this.signal = exit.signal;
  }
}

/** The command's artifacts exceed a limit. Not retryable. */
export class CommandArtifactsError extends JobRunnerError {
  constructor(what: "files" | "bytes" | "workspace", max: number) {
    const message =
      what === "workspace"
        ? `The workspace contains more than ${max} entries, too many to search for artifacts.`
        : `The artifacts exceed ${max} ${what}; narrow their patterns.`;
    super("COMMAND_ARTIFACTS", message, { isRetryable: false });
  }
}

/** The command was ended because of its worker: the job runs again, as after a crash of the worker. */
export class CommandWorkerError extends JobRunnerError {
  constructor() {
    super("COMMAND_ENDED", "The command was stopped because its worker stopped responding.");
  }
}

/** An error outside the command, for a job whose command must not run twice. */
export function notRepeated(error: unknown): JobRunnerError {
  if (error instanceof JobRunnerError && !error.isRetryable) return error;
  const code = error instanceof JobRunnerError ? error.code : "COMMAND_NOT_KEPT";
  const message =
    error instanceof JobRunnerError
      ? error.message
      : `The command ran, but its output could not be stored (${reasonOf(error)}).`;
  return new JobRunnerError(code, message, { isRetryable: false });
}

/** A code such as ENOSPC; messages of the file system and the store may contain paths. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

const UNITS: Record<Limit, string> = {
  time: "ms",
  memory: "bytes",
  processes: "processes",
  output: "bytes",
};
