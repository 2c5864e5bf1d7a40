import { errorCode } from "../db/database-errors.ts";

/**
 * A command whose output goes to `head` ends as if all of it had been read: what runs is not stopped half-way, and there is no stack
 * trace. Any other failure to write, such as a full disk, is named, with exit code 1.
 */
export function outliveReaders(): void {
  process.stdout.on("error", (error) => {
    if (errorCode(error) === "EPIPE") return;
    process.once("exit", () => {
      process.exitCode ||= 1;
    });
    process.stderr.write(`The output could not be written (${errorCode(error) ?? "unknown"}).\n`);
  });
  process.stderr.on("error", () => undefined);
}
