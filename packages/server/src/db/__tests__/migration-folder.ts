import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type MigrationFolder = AsyncDisposable & {
  path: string;
  write(name: string, text: string): Promise<void>;
};

/** A temporary folder of migration files, by their names: `await using folder = await createMigrationFolder({ … })`. */
export async function createMigrationFolder(files: Record<string, string> = {}): Promise<MigrationFolder> {
  const path = await mkdtemp(join(tmpdir(), "wharf-migrations-"));
  const write = (name: string, text: string) => writeFile(join(path, name), text);
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return { path, write, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
