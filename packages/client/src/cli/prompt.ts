import { CliError, EXIT } from "./cli-error.ts";
import type { Io } from "./io.ts";

/** Asks on a terminal. Throws CliError elsewhere, naming the missing `argument`, and when the question is cancelled. */
export async function ask(io: Io, message: string, placeholder: string, argument: string): Promise<string> {
  requireTerminal(io, argument);
  const { text } = await import("@clack/prompts");
  return answered(
    await text({ message, placeholder, validate: (value) => (value?.trim() ? undefined : "Type a value.") }),
  );
}

/** Returns once `answer` was typed, in place of --yes. Throws CliError for another, and where ask does. */
export async function confirm(io: Io, message: string, answer: string): Promise<void> {
  if ((await ask(io, message, answer, "--yes")) !== answer) throw cancelled();
}

/** As ask, without showing what is typed. */
export async function askSecret(io: Io, message: string, argument: string): Promise<string> {
  requireTerminal(io, argument);
  const { password } = await import("@clack/prompts");
  return answered(await password({ message }));
}

/** All of standard input. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

function requireTerminal(io: Io, argument: string): void {
  if (io.isInteractive) return;
  throw new CliError(`${argument} is missing. See --help.`, EXIT.usage, "ARGUMENT_MISSING");
}

/** A cancelled question has a symbol as its answer. */
function answered(value: string | symbol): string {
  if (typeof value === "string") return value.trim();
  throw cancelled();
}

function cancelled(): CliError {
  return new CliError("Cancelled. Nothing was changed.", EXIT.failed, "CANCELLED");
}
