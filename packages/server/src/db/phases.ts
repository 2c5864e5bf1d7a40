import { join } from "node:path";
import { isSameMigration, jobMigrationsDir } from "@wharf/job-runner";
import { StorageError } from "../errors.ts";
import {
  type MigrationError,
  type MigrationFile,
  type MigrationFiles,
  readMigrations,
} from "./migration-files.ts";
import { applyFolder, type MigrateOptions, underMigrationLock } from "./migrator.ts";
import type { Sql } from "./postgres.ts";
import { requireUsableDatabase } from "./usable-database.ts";

export type Phase = { name: string; dir: string };

const serverMigrations = join(import.meta.dir, "migrations");

/** Every folder of migrations, in the order of their files' numbers. A new file goes into `later/` with the next free number. */
export const PHASES: readonly Phase[] = [
  { name: "phase 1: workspaces, devices, sessions, events", dir: serverMigrations },
  { name: "phase 2: transcripts", dir: join(serverMigrations, "phase-2") },
  { name: "phase 3: git", dir: join(serverMigrations, "phase-3") },
  { name: "phase 4: relations of a session", dir: join(serverMigrations, "phase-4") },
  { name: "phase 5: remote environments", dir: join(serverMigrations, "phase-5") },
  { name: "phase 6: jobs", dir: jobMigrationsDir },
  { name: "later migrations", dir: join(serverMigrations, "later") },
];

export type PhasesResult = {
  applied: string[];
  skipped: string[];
  /** Applied by a newer version of the code: this one is a rollback. */
  unknown: string[];
};

/**
 * Applies the phases in order, under one lock and on one connection, and stops at the first one with an error.
 * Throws StorageError STORAGE_MIGRATION_FAILED, whose message names each file and its reason, and before anything is applied
 * STORAGE_DB_VERSION or STORAGE_DB_ENCODING for a database that Wharf cannot use.
 */
export async function migratePhases(sql: Sql, options: MigrateOptions = {}): Promise<PhasesResult> {
  const folders = await readPhases();
  return await underMigrationLock(sql, options, async (connection) => {
    await requireUsableDatabase(connection);
    const applied: string[] = [];
    const skipped: string[] = [];
    for (const folder of folders) {
      const result = await applyFolder(connection, folder, options);
      applied.push(...result.applied);
      skipped.push(...result.skipped);
      if (result.errors.length > 0) throw failed(folder.phase, result.errors);
    }
    const known = new Set(filesOf(folders).map(({ name }) => name));
    const ledger = await connection.query<{ name: string }[]>`SELECT name FROM _migrations ORDER BY name`;
    const unknown = ledger.map(({ name }) => name).filter((name) => !known.has(name));
    return { applied, skipped, unknown };
  });
}

function failed(phase: string, errors: readonly MigrationError[]): StorageError {
  const reasons = errors.map(({ name, error }) => `${name}: ${error}`).join("; ");
  return new StorageError(`Migration failed in ${phase}. ${reasons}`, "STORAGE_MIGRATION_FAILED");
}

export type MigrationStatus = {
  applied: { name: string; applied_at: string }[];
  pending: string[];
  /** Applied, but edited since. */
  edited: string[];
  /** Applied by a newer version of the code: this one is a rollback. */
  unknown: string[];
};

/** What the ledger says of every phase's files, without changing anything. */
export async function migrationStatus(sql: Sql): Promise<MigrationStatus> {
  const rows = await readAppliedRows(sql);
  const files = filesOf(await readPhases());
  const known = new Map(files.map((file) => [file.name, file]));
  const appliedNames = new Set(rows.map((row) => row.name));
  return {
    applied: rows.map(({ name, applied_at }) => ({ name, applied_at })),
    pending: files.map((file) => file.name).filter((name) => !appliedNames.has(name)),
    edited: rows.filter(({ name, checksum }) => isEdited(known.get(name), checksum)).map((row) => row.name),
    unknown: rows.map((row) => row.name).filter((name) => !known.has(name)),
  };
}

function isEdited(file: MigrationFile | undefined, checksum: string | null): boolean {
  return file !== undefined && !isSameMigration(checksum, file);
}

/** Takes an edited file's present content as what was applied. Throws StorageError for a file that is unknown or not applied. */
export async function acceptMigration(sql: Sql, name: string): Promise<void> {
  const file = filesOf(await readPhases()).find((candidate) => candidate.name === name);
  if (file === undefined) {
    throw new StorageError(`The migration file ${name} does not exist.`, "STORAGE_MIGRATION_UNKNOWN");
  }
  const isApplied = (await readAppliedRows(sql)).some((row) => row.name === name);
  if (!isApplied) {
    const message = `${name} is not applied: run "bun run migrate".`;
    throw new StorageError(message, "STORAGE_MIGRATION_NOT_APPLIED");
  }
  await sql`UPDATE _migrations SET checksum = ${file.checksum} WHERE name = ${name}`;
}

type PhaseFiles = MigrationFiles & { phase: string };

async function readPhases(): Promise<PhaseFiles[]> {
  return await Promise.all(
    PHASES.map(async ({ name, dir }) => ({ phase: name, ...(await readMigrations(dir)) })),
  );
}

const filesOf = (folders: readonly PhaseFiles[]): MigrationFile[] => folders.flatMap(({ files }) => files);

type AppliedRow = { name: string; applied_at: string; checksum: string | null };

async function readAppliedRows(sql: Sql): Promise<AppliedRow[]> {
  const [ledger] = await sql<
    { present: boolean }[]
  >`SELECT to_regclass('_migrations') IS NOT NULL AS present`;
  if (ledger?.present !== true) return [];
  return await sql<AppliedRow[]>`SELECT name, applied_at::text, checksum FROM _migrations ORDER BY name`;
}
