import { join } from "node:path";
import { createTestDatabase, spawnProgram, type TestDatabase } from "@wharf/testkit";
import { environment, ROOT } from "../faults/server-process.ts";

const FIXTURE = join(import.meta.dir, "before.backup");
const RESTORE = join(ROOT, "packages/server/src/commands/restore.ts");

/** A new database with what the code before had stored, as today's migrations make of it. */
export async function restoreFixture(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  const program = spawnProgram({
    command: [process.execPath, RESTORE, FIXTURE],
    cwd: ROOT,
    env: environment({ DATABASE_URL: database.url }),
  });
  await program.waitForOutput(/All counts and checksums are equal/);
  const code = await program.exited;
  if (code !== 0) throw new Error(`The fixture was not restored: ${program.stdout}${program.stderr}`);
  return database;
}
