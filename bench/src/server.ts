import { join } from "node:path";
import { startProgram } from "./processes.ts";

export const ADMIN_KEY = "benchmark-key-benchmark-key-benchmark-key";
const PROGRAM = join(import.meta.dir, "../../packages/server/src/main.ts");

/** Open sessions stay open, however long a measurement takes. */
export const KEEP_OPEN = { WHARF_SESSION_IDLE_MINUTES: "1000000" };

export type Server = { port: number; pid: number; stop(): Promise<void> };

/** A server in a process of its own, of this checkout by default; `settings`: further environment variables. */
export async function startServer(
  url: string,
  settings: Record<string, string> = {},
  program = PROGRAM,
): Promise<Server> {
  const { line, pid, stop } = await startProgram([process.execPath, program], /"msg":"ready"/, {
    DATABASE_URL: url,
    WHARF_ADMIN_KEY: ADMIN_KEY,
    PORT: "0",
    HOST: "127.0.0.1",
    LOG_LEVEL: "info",
    ...settings,
  });
  return { port: Number(/localhost:(\d+)/.exec(line)?.[1]), pid, stop };
}
