import { readFile, readlink, realpath, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";
import type { Files, Layout } from "./layout.ts";
import { run } from "./run.ts";

const FAST_STOP_S = 8;
const IMMEDIATE_STOP_S = 3;
const GONE_DEADLINE_MS = 5_000;
const POLL_MS = 25;

/** What postmaster.pid says, of a process that was seen to be this cluster's Postgres. */
export type ServerProcess = { pid: number; port: number; status: string };

/** The cluster's running Postgres, if any. */
export async function findServer(layout: Files): Promise<ServerProcess | undefined> {
  const server = await readPidFile(layout);
  return server && (await isServerOf(layout, server.pid)) ? server : undefined;
}

/**
 * Postgres itself removes a stale postmaster.pid, but refuses to start when it is empty (a machine that lost its power)
 * or the pid in it has been given to another program since. Call it under the lock only.
 */
export async function removeStalePidFile(layout: Layout): Promise<void> {
  if (!(await findServer(layout))) await rm(pidFile(layout), { force: true });
}

/** Ends it: politely (sessions are cut, a checkpoint is written), then less so. */
export async function endServer(layout: Layout, pid: number): Promise<void> {
  if ((await findServer(layout))?.pid !== pid) return;
  // One that was frozen would sleep through all that follows.
  signal(pid, "SIGCONT");
  const stopped =
    (await stop(layout, "fast", FAST_STOP_S)) || (await stop(layout, "immediate", IMMEDIATE_STOP_S));
  if (!stopped) signal(pid, "SIGKILL");
  if (await isGone(layout, pid)) return;
  throw new EmbeddedPostgresError(
    `The embedded Postgres (pid ${pid}) does not stop. Terminate it: kill -9 ${pid}`,
  );
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function stop(layout: Layout, mode: "fast" | "immediate", seconds: number): Promise<boolean> {
  const command = [
    layout.binaries.pgCtl,
    "stop",
    "-D",
    layout.clusterDir,
    "-m",
    mode,
    "-w",
    "-t",
    `${seconds}`,
  ];
  const { code } = await run({ command, cwd: layout.dataDir, owner: layout.owner });
  return code === 0;
}

function signal(pid: number, name: "SIGCONT" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself in between.
  }
}

async function isGone(layout: Layout, pid: number): Promise<boolean> {
  const deadline = Date.now() + GONE_DEADLINE_MS;
  while (await isServerOf(layout, pid)) {
    if (Date.now() > deadline) return false;
    await Bun.sleep(POLL_MS);
  }
  return true;
}

async function readPidFile(layout: Files): Promise<ServerProcess | undefined> {
  const text = await readFile(pidFile(layout), "utf8").catch(() => "");
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3] ?? 0), status: lines[7] ?? "" };
}

function pidFile(layout: Files): string {
  return join(layout.clusterDir, "postmaster.pid");
}

/** A postmaster's working directory is its cluster; that tells it from a process that was given its pid later. */
export async function isServerOf(layout: Files, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const [found, cluster] = await Promise.all([
    inspectProcess(pid),
    realpath(layout.clusterDir).catch(() => ""),
  ]);
  return found !== undefined && found.directory === cluster && basename(found.program).startsWith("postgres");
}

async function inspectProcess(pid: number): Promise<{ program: string; directory: string } | undefined> {
  if (process.platform !== "linux") return inspectByLsof(pid);
  try {
    const [program, directory] = await Promise.all([
      readFile(`/proc/${pid}/comm`, "utf8"),
      readlink(`/proc/${pid}/cwd`),
    ]);
    return { program: program.trim(), directory };
  } catch {
    return undefined;
  }
}

async function inspectByLsof(pid: number): Promise<{ program: string; directory: string } | undefined> {
  const command = ["/usr/sbin/lsof", "-a", "-p", `${pid}`, "-d", "cwd", "-Fcn"];
  const { output } = await run({ command, cwd: "/", owner: undefined });
  const lines = output.split("\n");
  const program = lines.find((line) => line.startsWith("c"))?.slice(1);
  const directory = lines.find((line) => line.startsWith("n"))?.slice(1);
  return program && directory ? { program, directory } : undefined;
}
