import { acceptMigration, migratePhases, migrationStatus } from "../db/phases.ts";
import type { Sql } from "../db/postgres.ts";
import { loadConfig } from "../environment.ts";
import { CommandError } from "./command-error.ts";
import { runCommandLine } from "./command-line.ts";
import { withDatabase } from "./with-database.ts";

const USAGE = `Usage: bun run migrate [--status | --accept FILE]

  (no option)    apply pending migrations
  --status       list applied, pending, edited and unknown files; changes nothing
  --accept FILE  accept the new content of an applied file without running it

Uses DATABASE_URL, or the embedded database, which it creates if necessary (without options).
Exit codes: 0 success; 1 failure or an edited file, with the reason; 2 invalid arguments.
`;

await runCommandLine(USAGE, { status: { type: "boolean" }, accept: { type: "string" } }, main);

async function main({
  status = false,
  accept: file,
}: {
  status?: boolean;
  accept?: string;
}): Promise<number> {
  if (status && file !== undefined) throw new CommandError("--status and --accept cannot be combined.", 2);
  const use = status || file !== undefined ? "command" : "migration";
  const pool = { use, isDirect: true, applicationName: "wharf-migrate", max: 2 } as const;
  return await withDatabase(loadConfig(), pool, (sql) => {
    if (status) return showStatus(sql);
    return file === undefined ? migrate(sql) : accept(sql, file);
  });
}

async function migrate(sql: Sql): Promise<number> {
  const { applied, skipped } = await migratePhases(sql);
  for (const name of applied) print(`applied  ${name}\n`);
  return print(`${applied.length} applied, ${skipped.length} already applied\n`, 0);
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
