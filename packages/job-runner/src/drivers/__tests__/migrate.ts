import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Sql } from "postgres";
import { jobMigrationsDir } from "../../migrations-dir.ts";

/** Applies the engine's migrations without a migrator. */
export async function migrateJobs(sql: Sql): Promise<void> {
  const files = (await readdir(jobMigrationsDir)).filter((name) => name.endsWith(".sql")).sort();
  for (const file of files) await sql.file(join(jobMigrationsDir, file)).execute();
}
