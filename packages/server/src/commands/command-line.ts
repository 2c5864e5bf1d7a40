import { describeDatabaseError } from "../db/database-errors.ts";
import { CommandError } from "./command-error.ts";
import { outliveReaders } from "./outlive-readers.ts";
import { type OptionTypes, parseWords, type Values } from "./parse-words.ts";

/**
 * Runs a command with these options and `operands`, all of which are required. Exit codes: the result of `run`, 0 for the usage,
 * 1 with the reason in one line for a failure, 2 with the usage for invalid arguments.
 */
export async function runCommandLine<const T extends OptionTypes>(
  usage: string,
  options: T,
  run: (values: Values<T>, operands: string[]) => Promise<number>,
  operands: readonly string[] = [],
): Promise<void> {
  outliveReaders();
  const words = process.argv.slice(2);
  if (words.includes("--help") || words.includes("-h")) {
    process.stdout.write(usage);
    return;
  }
  try {
    const { values, positionals } = read(words, options, operands);
    process.exitCode = await run(values, positionals);
  } catch (error) {
    process.exitCode = report(error, usage);
  }
}

function read<const T extends OptionTypes>(words: string[], options: T, operands: readonly string[]) {
  const { values, positionals } = parseWords(words, options, operands.length > 0);
  if (positionals.length === operands.length) return { values, positionals };
  const missing = operands[positionals.length];
  if (missing !== undefined) throw new CommandError(`${missing} is missing.`, 2);
  throw new CommandError(`Unexpected argument "${positionals[operands.length]}".`, 2);
}

function report(error: unknown, usage: string): number {
  if (!(error instanceof CommandError)) {
    process.stderr.write(`${describeDatabaseError(error)}\n`);
    return 1;
  }
  process.stderr.write(`${error.message}\n${error.exitCode === 2 ? `\n${usage}` : ""}`);
  return error.exitCode;
}
