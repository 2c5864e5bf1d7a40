import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type MigrationText, readMigrationText } from "@wharf/job-runner";
import { StorageError } from "../errors.ts";
import { errorCode } from "./database-errors.ts";

export type MigrationFile = MigrationText & { name: string };
export type MigrationError = { name: string; error: string };
export type MigrationFiles = { files: MigrationFile[]; errors: MigrationError[] };

/** The migration files of one folder; those that cannot be read are in `errors`. */
export async function readMigrations(dir: string): Promise<MigrationFiles> {
  const files: MigrationFile[] = [];
  const errors: MigrationError[] = [];
  for (const name of await listSqlFiles(dir)) {
    try {
      files.push({ name, ...readMigrationText(await readFile(join(dir, name), "utf8")) });
    } catch (error) {
      errors.push({ name, error: `cannot be read (${errorCode(error) ?? "unknown"})` });
    }
  }
  return { files, errors };
}

async function listSqlFiles(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir);
    return entries.filter((name) => name.endsWith(".sql") && !name.startsWith(".")).sort();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    const message = `The migration folder ${dir} cannot be read (${errorCode(error) ?? "unknown"}).`;
    throw new StorageError(message, "STORAGE_MIGRATIONS_UNREADABLE");
  }
}
