import { type ParseArgsConfig, parseArgs } from "node:util";
import { describeDatabaseError } from "../db/database-errors.ts";
import { CommandError } from "./command-error.ts";
import { outliveReaders } from "./outlive-readers.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: T }>>["values"];

/**
 * A command that takes these options and `operands`, words that all have to be given. Exit codes: what `run` answers, or 0 for its usage, 1 with the reason
 * in one line when it fails, 2 with its usage when it was not understood.
 */
export async function runCommandLine<const T extends Options>(
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

function read<const T extends Options>(words: string[], options: T, operands: readonly string[]) {
  const { values, positionals } = parse(words, options, operands.length > 0);
  if (positionals.length === operands.length) return { values, positionals };
  const missing = operands[positionals.length];
  if (missing !== undefined) throw new CommandError(`${missing} is missing.`, 2);
  throw new CommandError(`Unexpected argument "${positionals[operands.length]}".`, 2);
}

function parse<const T extends Options>(words: string[], options: T, allowPositionals: boolean) {
  try {
    return parseArgs<{ args: string[]; options: T; allowPositionals: boolean }>({
      args: words,
      options,
      allowPositionals,
    });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split(". To specify")[0] ?? "") : "";
    throw new CommandError(reason, 2);
  }
}

function report(error: unknown, usage: string): number {
  if (!(error instanceof CommandError)) {
    process.stderr.write(`${describeDatabaseError(error)}\n`);
    return 1;
  }
  process.stderr.write(`${error.message}\n${error.exitCode === 2 ? `\n${usage}` : ""}`);
  return error.exitCode;
}
