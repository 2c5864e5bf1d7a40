import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../index.ts";

/** These tests start servers; Bun's own default is 5 s. */
export const TEST_TIMEOUT_MS = 60_000;

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
  /** Ends all that runs; the data stays. */
  const stopAll = async () => {
    // What a program started is ours to end once we have taken it over.
    if (programs.length > 0) await start();
    for (const program of programs.splice(0)) program.kill("SIGKILL");
    for (const server of servers.splice(0)) await server.stop();
  };
  const remove = async () => {
    const { dataDir } = await start();
    await stopAll();
    await Promise.all([path, dataDir].map((dir) => rm(dir, { recursive: true, force: true })));
  };
  return { path, start, startInProgram, stopAll, remove };
}

/** A process that has ended may stay a while as a zombie, until init has asked for its exit code. */
export async function isRunning(pid: number): Promise<boolean> {
  const state = await processField(pid, "stat");
  return state !== "" && !state.startsWith("Z");
}

/** A column of `ps`; empty when there is no such process. */
export async function processField(pid: number, column: "stat" | "pgid" | "uid"): Promise<string> {
  const child = Bun.spawn(["ps", "-o", `${column}=`, "-p", `${pid}`], { stdout: "pipe" });
  return (await new Response(child.stdout).text()).trim();
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  throw new Error(`The program ended without a line: ${text}`);
}
