import { join } from "node:path";
import { type Program, spawnProgram } from "@wharf/testkit";

const ROOT = join(import.meta.dir, "../../../../..");

/** `bun run NAME …` with this DATABASE_URL. */
export function spawnCommand(databaseUrl: string, ...words: string[]): Program {
  const { DATABASE_DIRECT_URL: _, ...environment } = process.env;
  return spawnProgram({
    command: [process.execPath, "run", ...words],
    cwd: ROOT,
    env: { ...environment, DATABASE_URL: databaseUrl, NO_COLOR: "1" },
  });
}

/** What it wrote, and its exit code. */
export async function runCommand(databaseUrl: string, ...words: string[]) {
  const program = spawnCommand(databaseUrl, ...words);
  const code = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}
