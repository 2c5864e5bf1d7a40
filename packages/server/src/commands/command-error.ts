import { StorageError } from "../errors.ts";

/** Ends the command with this message and exit code: 1 not done, 2 not understood. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: 1 | 2) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}

/** Throws the error again, with `advice` in the place of what its message advises for other uses. */
export function replaceAdvice(usual: string, advice: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof StorageError)) throw error;
    throw new CommandError(
      error.message.replace(usual, () => advice),
      1,
    );
  };
}
