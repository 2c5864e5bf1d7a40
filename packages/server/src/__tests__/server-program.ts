import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Program, spawnProgram } from "@wharf/testkit";

export const ADMIN_KEY = "test-admin-key-of-more-than-32-characters";

export type ServerProgram = AsyncDisposable & {
  program: Program;
  /** Its address, once it is ready. */
  url(): Promise<string>;
};

/** The real server as a program of its own, with a data folder of its own, on a free port. */
export async function startServerProgram(
  databaseUrl: string,
  variables: Record<string, string> = {},
): Promise<ServerProgram> {
  const dataDir = await mkdtemp(join(tmpdir(), "wharf-server-"));
  const { DATABASE_DIRECT_URL: _, ...environment } = process.env;
  const program = spawnProgram({
    command: [process.execPath, join(import.meta.dir, "..", "main.ts")],
    cwd: dataDir,
    env: {
      ...environment,
      DATABASE_URL: databaseUrl,
      WHARF_ADMIN_KEY: ADMIN_KEY,
      WHARF_DATA_DIR: dataDir,
      PORT: "0",
      LOG_LEVEL: "trace",
      ...variables,
    },
  });
  return {
    program,
    url: async () => {
      await program.waitForOutput(/"msg":"ready"/);
      const [, url] = await program.waitForOutput(/"url":"(http[^"]+)"/);
      return url ?? "";
    },
    [Symbol.asyncDispose]: async () => {
      program.kill("SIGKILL");
      await program.exited;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
