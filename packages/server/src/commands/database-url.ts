import { databaseUrl } from "../db/embedded.ts";
import { loadConfig, resolveFromRoot } from "../environment.ts";
import { runCommandLine } from "./command-line.ts";

const USAGE = `Usage: psql "$(bun run database-url)"

Prints the connection string of the database, with its password: DATABASE_URL, or that of the embedded
database while it runs.
Exit code: 0 printed; 1 there is none, with what to do; 2 not understood.
`;

await runCommandLine(USAGE, {}, async function printDatabaseUrl() {
  const config = loadConfig();
  process.stdout.write(`${await databaseUrl(config, resolveFromRoot(config.dataDir))}\n`);
  return 0;
});
