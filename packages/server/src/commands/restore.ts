import { openBackup, verifyBackup } from "../db/transfer/backup-file.ts";
import { USE_NEW_DATABASE } from "../db/transfer/empty-target.ts";
import { loadInto } from "../db/transfer/load.ts";
import { loadConfig } from "../environment.ts";
import { replaceAdvice } from "./command-error.ts";
import { runCommandLine } from "./command-line.ts";
import { createTransferOutput, describeTotals, printLeftOut } from "./transfer-output.ts";
import { withDatabase } from "./with-database.ts";

const USAGE = `Usage: bun run restore FILE

Restores a file of "bun run backup" into an empty database: DATABASE_URL, or the embedded database, which is created
if necessary. Verifies the whole file first, writes all rows in one transaction, and compares them with the file.
Refuses a database with rows.
Exit codes: 0 success; 1 failure, with the reason; 2 invalid arguments.
`;

const USE_NEW_FOLDER = "Set WHARF_DATA_DIR to a new directory, then retry.";

await runCommandLine(
  USAGE,
  {},
  async function restore(_, [file = ""]) {
    const config = loadConfig();
    const output = createTransferOutput(process.stdout);
    const header = await verifyBackup(file);
    const pool = { use: "migration", isDirect: true, applicationName: "wharf-restore", max: 2 } as const;
    const load = withDatabase(config, pool, async (sql) => loadInto(sql, await openBackup(file), output));
    await (config.databaseUrl === undefined
      ? load.catch(replaceAdvice(USE_NEW_DATABASE, USE_NEW_FOLDER))
      : load);
    output.print(
      `Restored ${describeTotals(output.totals())} from ${file}, a backup of ${header.created_at}. All counts and checksums are equal.`,
    );
    printLeftOut(output, config.blobs);
    return 0;
  },
  ["FILE"],
);
