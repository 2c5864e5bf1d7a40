import { describeDatabaseError, errorCode } from "../db/database-errors.ts";
import { CommandError } from "./command-error.ts";
import { actions, requireKnownOptions, USAGE } from "./jobs/actions.ts";
import { readArguments } from "./jobs/arguments.ts";
import { withEngine } from "./jobs/engine.ts";
import { createOutput } from "./jobs/output.ts";
import { outliveReaders } from "./outlive-readers.ts";

/** Exit codes: 0 done, 1 not done (unknown job, wrong state, failed run, database away), 2 not understood. */
const FAILED = 1;
const NOT_UNDERSTOOD = 2;
const UNDEFINED_TABLE = "42P01";

outliveReaders();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error);
}

async function main(words: string[]): Promise<number> {
  const { name, operands, options } = readArguments(words);
  if (options.help === true || name === undefined) {
    (options.help === true ? process.stdout : process.stderr).write(USAGE);
    return options.help === true ? 0 : NOT_UNDERSTOOD;
  }
  const action = actions.get(name);
  if (action === undefined) throw new CommandError(`Unknown command "jobs ${name}".`, NOT_UNDERSTOOD);
  requireKnownOptions(name, action, options);
  const request = action.read(operands, options);
  const output = createOutput(process.stdout, options.json === true);
  return (await withEngine((engine) => request(engine, output))) ?? 0;
}

function report(error: unknown): number {
  if (error instanceof CommandError) {
    process.stderr.write(`${error.message}\n`);
    if (error.exitCode === NOT_UNDERSTOOD)
      process.stderr.write('"bun run jobs --help" lists the commands.\n');
    return error.exitCode;
  }
  const isUnmigrated = errorCode(error) === UNDEFINED_TABLE;
  const hint = isUnmigrated ? ': run "bun run migrate" first' : "";
  process.stderr.write(`${describeDatabaseError(error)}${hint}\n`);
  return FAILED;
}
