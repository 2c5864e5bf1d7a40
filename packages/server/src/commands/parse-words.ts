import { type ParseArgsConfig, parseArgs } from "node:util";
import { CommandError } from "./command-error.ts";

export type OptionTypes = NonNullable<ParseArgsConfig["options"]>;
export type Values<T extends OptionTypes> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T }>
>["values"];

/** Splits the words of a command line into options and operands. Throws CommandError for an unknown or incomplete option. */
export function parseWords<const T extends OptionTypes>(
  words: string[],
  options: T,
  allowPositionals: boolean,
): { values: Values<T>; positionals: string[] } {
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
