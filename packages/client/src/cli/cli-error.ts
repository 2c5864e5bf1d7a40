/** 0 done, 1 failed, 2 wrong use, 3 hub unreachable, 4 not allowed. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, denied: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command. `message` states what happened and what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  readonly code: string;

  constructor(message: string, exitCode: ExitCode = EXIT.failed, code = "FAILED") {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
  }
}
