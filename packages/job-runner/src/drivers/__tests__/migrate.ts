import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "postgres";
import { jobMigrationsDir } from "../../migrations-dir.ts";

/** Applies the engine's migrations without a migrator. */
export async function migrateJobs(sql: Sql): Promise<void> {
  for (const file of readdirSync(jobMigrationsDir).sort()) {
    await sql.file(join(jobMigrationsDir, file)).execute();
  }
}
