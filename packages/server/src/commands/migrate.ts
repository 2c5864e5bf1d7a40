import { acceptMigration, migratePhases, migrationStatus } from "../db/phases.ts";
import type { Sql } from "../db/postgres.ts";
import { loadConfig } from "../environment.ts";
import { CommandError } from "./command-error.ts";
import { runCommandLine } from "./command-line.ts";
import { withDatabase } from "./with-database.ts";

const USAGE = `Usage: bun run migrate [--status | --accept FILE]

  (nothing)      apply what is pending
  --status       show what is applied, pending, edited or unknown; changes nothing
  --accept FILE  take an edited file's present content as what was applied

It works on DATABASE_URL, or on the embedded database; without options it makes one where there is none.
Exit code: 0 done; 1 not done, or a file was edited, with the reason; 2 not understood.
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
