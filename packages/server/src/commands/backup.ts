import { createWriteStream } from "node:fs";
import { access, constants, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Writable } from "node:stream";
import { errorCode } from "../db/database-errors.ts";
import type { Sql } from "../db/postgres.ts";
import { writeBackup } from "../db/transfer/backup-file.ts";
import { openSnapshot } from "../db/transfer/snapshot.ts";
import { loadConfig } from "../environment.ts";
import { VERSION } from "../version.ts";
import { CommandError } from "./command-error.ts";
import { runCommandLine } from "./command-line.ts";
import {
  createTransferOutput,
  describeTotals,
  OTHERS_CONNECTED,
  printLeftOut,
  type TransferOutput,
} from "./transfer-output.ts";
import { withDatabase } from "./with-database.ts";

const USAGE = `Usage: bun run backup FILE
       bun run backup - > FILE

Writes a snapshot of all tables to one compressed file (zstd); "-" is standard output. Restore it with
"bun run restore FILE". Uses DATABASE_URL, or the embedded database; Wharf can run during the backup.
The file contains all data of Wharf: protect it like the database.
Exit codes: 0 success; 1 failure, with the reason; 2 invalid arguments.
`;

/** Prompts, hashes of keys: for its owner alone. */
const FILE_MODE = 0o600;

await runCommandLine(
  USAGE,
  {},
  async function backup(_, [file = ""]) {
    const config = loadConfig();
    const output = createTransferOutput(file === "-" ? process.stderr : process.stdout);
    await requireWritable(file);
    const pool = { use: "command", isDirect: false, applicationName: "wharf-backup", max: 1 } as const;
    await withDatabase(config, pool, (sql) =>
      file === "-" ? copyTo(process.stdout, file, sql, output) : copyToFile(file, sql, output),
    );
    output.print(`Backed up ${describeTotals(output.totals())}${file === "-" ? "" : ` to ${file}`}.`);
    printLeftOut(output, config.blobs);
    return 0;
  },
  ["FILE"],
);

async function requireWritable(file: string): Promise<void> {
  if (file === "-") {
    if (process.stdout.isTTY) throw new CommandError("A backup is binary: redirect it to a file.", 2);
    return;
  }
  const exists = await stat(file).then(
    () => true,
    () => false,
  );
  if (exists) throw new CommandError(`${file} already exists: choose another name, or delete it first.`, 1);
  const folder = dirname(file);
  await access(folder, constants.W_OK | constants.X_OK).catch((error) => {
    const reason = errorCode(error) ?? "unknown";
    throw new CommandError(`Cannot create a file in ${folder} (${reason}): choose another directory.`, 1);
  });
}

/** The file gets its name when it is complete and on disk. */
async function copyToFile(file: string, sql: Sql, output: TransferOutput): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await copyTo(createWriteStream(partial, { mode: FILE_MODE }), file, sql, output);
    const handle = await open(partial, "r+");
    await handle.sync();
    await handle.close();
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function copyTo(target: Writable, file: string, sql: Sql, output: TransferOutput): Promise<void> {
  let refusal: unknown;
  target.on("error", (error) => {
    refusal = error;
  });
  const snapshot = await openSnapshot(sql);
  try {
    if (snapshot.othersConnected) output.print(OTHERS_CONNECTED);
    const origin = {
      wharf: VERSION,
      postgres: snapshot.postgresVersion,
      created_at: new Date().toISOString(),
    };
    await writeBackup(snapshot, origin, target, output);
  } catch (error) {
    if (refusal === undefined) throw error;
    const name = file === "-" ? "Standard output" : file;
    throw new CommandError(`${name} could not be written (${errorCode(refusal) ?? "unknown"}).`, 1);
  } finally {
    await snapshot.close();
  }
}
