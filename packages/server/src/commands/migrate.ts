import { describeDatabaseError } from "../db/database-errors.ts";
import { locateDatabase } from "../db/embedded.ts";
import { acceptMigration, migratePhases, migrationStatus } from "../db/phases.ts";
import { closeDb, createDb, type Sql } from "../db/postgres.ts";
import { loadConfig, resolveFromRoot } from "../environment.ts";

const USAGE = `Usage: bun run migrate [--status | --accept FILE]

  (nothing)      apply what is pending
  --status       show what is applied, pending, edited or unknown; changes nothing
  --accept FILE  take an edited file's present content as what was applied
`;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${describeDatabaseError(error)}\n`);
  process.exitCode = 1;
}

async function main(options: string[]): Promise<number> {
  const [option, file] = options;
  if (option === "--help") return print(USAGE, 0);
  const isKnown =
    option === undefined || option === "--status" || (option === "--accept" && file !== undefined);
  if (!isKnown) return print(USAGE, 2);
  const config = loadConfig();
  const location = await locateDatabase(config, resolveFromRoot(config.dataDir), "command");
  const sql = createDb(config.databaseDirectUrl ?? location.url, {
    applicationName: "wharf-migrate",
    max: 2,
  });
  try {
    if (option === "--status") return await showStatus(sql);
    if (file !== undefined) return await accept(sql, file);
    return await migrate(sql);
  } finally {
    await closeDb(sql);
    await location.close();
  }
}

async function migrate(sql: Sql): Promise<number> {
  const { applied, skipped } = await migratePhases(sql);
  for (const name of applied) print(`applied  ${name}\n`);
  return print(`${applied.length} applied, ${skipped.length} were already there\n`, 0);
}

async function showStatus(sql: Sql): Promise<number> {
  const status = await migrationStatus(sql);
  for (const { name, applied_at } of status.applied) {
    const state = status.edited.includes(name)
      ? "edited "
      : status.unknown.includes(name)
        ? "unknown"
        : "applied";
    print(`${state}  ${name}  ${applied_at}\n`);
  }
  for (const name of status.pending) print(`pending  ${name}\n`);
  return status.edited.length > 0 ? 1 : 0;
}

async function accept(sql: Sql, file: string): Promise<number> {
  await acceptMigration(sql, file);
  return print(`accepted ${file}\n`, 0);
}

function print(text: string, code = 0): number {
  process.stdout.write(text);
  return code;
}
