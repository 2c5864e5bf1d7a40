/** Ends the command with this message and exit code: 1 not done, 2 not understood. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: 1 | 2) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}
