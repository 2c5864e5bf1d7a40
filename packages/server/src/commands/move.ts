import { describeDatabaseError } from "../db/database-errors.ts";
import { closeDb, createDb, type Sql } from "../db/postgres.ts";
import { loadInto } from "../db/transfer/load.ts";
import { openSnapshot } from "../db/transfer/snapshot.ts";
import { USE_OTHER_ENCODING } from "../db/usable-database.ts";
import { loadConfig } from "../environment.ts";
import { CommandError, replaceAdvice } from "./command-error.ts";
import { runCommandLine } from "./command-line.ts";
import { createTransferOutput, describeTotals, OTHERS_CONNECTED, printLeftOut } from "./transfer-output.ts";
import { withDatabase } from "./with-database.ts";

const USAGE = `Usage: bun run move --to URL

Copies a snapshot of all tables from DATABASE_URL, or the embedded database, to another, empty Postgres database, and
compares each table. Does not change the source. Stop Wharf first: rows stored during the move are not copied.
  --to URL  postgres://USER:PASSWORD@HOST:PORT/DATABASE
Exit codes: 0 success; 1 failure, with the reason; 2 invalid arguments.
`;

const REPEAT = "and repeat the command with --to and its URL.";

await runCommandLine(USAGE, { to: { type: "string" } }, async function move({ to }) {
  if (to === undefined) throw new CommandError("--to is missing.", 2);
  const config = loadConfig();
  const output = createTransferOutput(process.stdout);
  const target = await openTarget(to);
  try {
    const pool = { use: "command", isDirect: false, applicationName: "wharf-move", max: 1 } as const;
    await withDatabase(config, pool, async (source) => {
      const snapshot = await openSnapshot(source);
      try {
        if (snapshot.othersConnected) output.print(OTHERS_CONNECTED);
        await loadInto(target, snapshot, output).catch(replaceAdvice(USE_OTHER_ENCODING, REPEAT));
      } finally {
        await snapshot.close();
      }
    });
  } finally {
    await closeDb(target);
  }
  output.print(`Copied ${describeTotals(output.totals())}. All counts and checksums are equal.`);
  printLeftOut(output, config.blobs);
  output.print("Start Wharf with DATABASE_URL set to the new database. The old one is unchanged.");
  return 0;
});

/** Throws CommandError for what is wrong with the address, before anything else is started. */
async function openTarget(url: string): Promise<Sql> {
  const target = readTarget(url);
  try {
    await target`SELECT 1`;
    return target;
  } catch (error) {
    await closeDb(target);
    throw new CommandError(describeTargetError(error), 1);
  }
}

function readTarget(url: string): Sql {
  try {
    return createDb(url, { applicationName: "wharf-move", max: 2 });
  } catch (error) {
    throw new CommandError(describeTargetError(error), 2);
  }
}

function describeTargetError(error: unknown): string {
  return describeDatabaseError(error).replaceAll("DATABASE_URL", "--to");
}
