import { databaseUrl } from "../db/embedded.ts";
import { loadConfig, resolveFromRoot } from "../environment.ts";
import { runCommandLine } from "./command-line.ts";

const USAGE = `Usage: psql "$(bun run database-url)"

Prints the connection string including the password: DATABASE_URL, or that of the running embedded
database.
Exit codes: 0 success; 1 no database, with the remedy; 2 invalid arguments.
`;

await runCommandLine(USAGE, {}, async function printDatabaseUrl() {
  const config = loadConfig();
  process.stdout.write(`${await databaseUrl(config, resolveFromRoot(config.dataDir))}\n`);
  return 0;
});
