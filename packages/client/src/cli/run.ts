import { Command, CommanderError } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { ProfileError } from "../profiles/profiles.ts";
import { HubError } from "../sdk/hub-error.ts";
import { describeProblem, isOfMachine } from "../spool/machine-problem.ts";
import { CliError, EXIT, type ExitCode } from "./cli-error.ts";
import { COMMANDS, type CommandEntry } from "./commands/index.ts";
import { enterDirectory } from "./environment.ts";
import { createIo, type Io } from "./io.ts";

const HELP_COLUMNS = 80;
const HELP_TEXT_COLUMNS_MIN = 20;

/** Runs one command line and returns the exit code; the messages are written. */
export async function run(words: readonly string[], io: Io = createIo()): Promise<ExitCode> {
  try {
    enterDirectory();
    const [name, ...rest] = asOption(words);
    const entry = COMMANDS.find((one) => one.name === name);
    if (entry === undefined) await createProgram(io).parseAsync([name, ...rest], { from: "user" });
    else {
      const command = await loadCommand(entry, io);
      requireSubcommand(command, rest);
      await command.parseAsync(rest, { from: "user" });
    }
    return io.outcome.exitCode;
  } catch (error) {
    return report(error, io, words.includes("--json"));
  }
}

/** Help of a command comes from the command itself: the program knows its name alone. */
function asOption([first = "--help", ...rest]: readonly string[]): [string, ...string[]] {
  if (first !== "help") return [first, ...rest];
  const [name, ...words] = rest;
  if (name === undefined) return ["--help"];
  return COMMANDS.some((one) => one.name === name) ? [name, ...words, "--help"] : [name];
}

/** Knows the names of the commands alone; it is parsed for help, the version, and unknown names. */
function createProgram(io: Io): Command {
  const program = configure(new Command("wharf"), io)
    .description("Sessions and git activity of coding agents, from all your machines.")
    .version(manifest.version)
    .showSuggestionAfterError();
  for (const { name, group, summary, isHidden = false } of COMMANDS)
    program.command(name, { hidden: isHidden }).helpGroup(`${group}:`).summary(summary).description(summary);
  return program;
}

/** A command with its arguments, options and action. */
async function loadCommand({ name, summary, load }: CommandEntry, io: Io): Promise<Command> {
  const command = configure(new Command(`wharf ${name}`), io).description(summary);
  (await load())(command, io, COMMANDS);
  return command;
}

/** Commander would hand an unknown word to the subcommand that runs by default. */
function requireSubcommand(command: Command, [word]: readonly string[]): void {
  const names = command.commands.map((one) => one.name());
  if (word === undefined || word.startsWith("-") || word === "help" || names.includes(word)) return;
  if (names.length === 0 || command.registeredArguments.length > 0) return;
  throw new CliError(
    `unknown command "${command.name()} ${word}". There are: ${names.join(", ")}.`,
    EXIT.usage,
    "COMMAND_UNKNOWN",
  );
}

function configure(command: Command, io: Io): Command {
  return (
    command
      .exitOverride()
      // Options behind the name of a subcommand are the subcommand's.
      .enablePositionalOptions()
      .showHelpAfterError(false)
      .configureHelp({ helpWidth: HELP_COLUMNS, minWidthToWrap: HELP_TEXT_COLUMNS_MIN })
      .configureOutput({ writeErr: (text) => io.warn(text.trimEnd()) })
  );
}

function report(error: unknown, io: Io, isJson: boolean): ExitCode {
  if (error instanceof CommanderError) {
    // Help that was asked for has the code 0; its text, and that of a wrong use, is written.
    if (error.exitCode === 0) return EXIT.ok;
    const message = error.message.replace(/^error: /, "");
    if (isJson) io.json({ error: { code: "WRONG_USE", message } });
    else io.warn("See: wharf --help, wharf COMMAND --help");
    return EXIT.usage;
  }
  const { message, code, exitCode } = describe(error);
  if (isJson) io.json({ error: { code, message } });
  else io.warn(`${io.colors.red("error:")} ${message}`);
  return exitCode;
}

function describe(error: unknown): { message: string; code: string; exitCode: ExitCode } {
  if (error instanceof CliError) return error;
  if (error instanceof ProfileError)
    return { message: error.message, code: "PROFILE_UNUSABLE", exitCode: EXIT.denied };
  if (error instanceof HubError) {
    const { message, code } = error;
    const isDenied = error.status === 401 || error.status === 403;
    const exitCode = error.isUnreachable ? EXIT.unreachable : isDenied ? EXIT.denied : EXIT.failed;
    return { message, code, exitCode };
  }
  if (isOfMachine(error))
    return { message: describeProblem(error), code: "MACHINE_PROBLEM", exitCode: EXIT.failed };
  const message = error instanceof Error ? error.message : String(error);
  return { message, code: "UNEXPECTED", exitCode: EXIT.failed };
}
