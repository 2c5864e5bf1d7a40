import { runMigrations } from "../migrator.ts";
import { migratePhases } from "../phases.ts";
import { closeDb, createDb } from "../postgres.ts";

/** A program, `bun migrate-program.ts URL [FOLDER]`: applies the folder, or every phase, and prints the result as JSON. */
const [url, folder] = process.argv.slice(2);
const sql = createDb(url, { applicationName: "migrate-program" });
const result = folder === undefined ? await migratePhases(sql) : await runMigrations(sql, folder);
process.stdout.write(`${JSON.stringify(result)}\n`);
await closeDb(sql);
