import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../index.ts";

export type Started = { url: string; pid: number; port: number; adopted: boolean; dataDir: string };

/** A temporary folder, and everything that was started in it: ended and removed by `cleanUp`. */
export async function createDataFolder() {
  const path = await mkdtemp(join(tmpdir(), "wharf-embedded-"));
  const servers: EmbeddedPostgres[] = [];
  const programs: Bun.Subprocess[] = [];
  const start = async (options: { database?: string; settings?: Record<string, string> } = {}) => {
    const server = await startEmbeddedPostgres({ dataDir: path, ...options });
    servers.push(server);
    return server;
  };
  /** Starts it from another process; answers what that process says of it. */
  const startInProgram = async (): Promise<{ program: Bun.Subprocess; started: Started }> => {
    const program = Bun.spawn([process.execPath, join(import.meta.dir, "start-program.ts"), path], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      detached: true,
    });
    programs.push(program);
    return { program, started: JSON.parse(await firstLine(program.stdout)) };
  };
  const cleanUp = async () => {
    for (const program of programs) program.kill("SIGKILL");
    await Promise.all(servers.map((server) => server.stop()));
    const last = await start();
    await last.stop();
    await Promise.all([path, last.dataDir].map((dir) => rm(dir, { recursive: true, force: true })));
  };
  return { path, start, startInProgram, cleanUp };
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The fields of /proc/PID/stat after the name: state, parent, process group, session. */
export async function processGroupOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  throw new Error(`The program ended without a line: ${text}`);
}
