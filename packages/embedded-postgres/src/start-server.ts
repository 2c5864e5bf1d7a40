import { readFile } from "node:fs/promises";
import { hasCluster } from "./check-cluster.ts";
import { EmbeddedPostgresError } from "./errors.ts";
import { ensureDatabase, hasDatabase, writeSettings } from "./initialize.ts";
import type { Layout } from "./layout.ts";
import { answersOnPort, findFreePort, HOST } from "./port.ts";
import { run } from "./run.ts";
import { endServer, findServer, isAlive, removeStalePidFile, type ServerProcess } from "./server-process.ts";

const START_ATTEMPTS = 4;
/** After a crash the WAL since the last checkpoint is replayed first: up to max_wal_size. */
const START_DEADLINE_S = 300;
const READY_POLL_MS = 25;
const LOG_TAIL_LINES = 12;
/** Log lines about the server itself: lines about statements contain values of rows. */
const SERVER_LINE = /^postgres\b|\] (LOG|WARNING|FATAL|PANIC|HINT): /;

/** The one that runs already, if it answers and has the database; else it is ended. */
export async function adopt(
  layout: Layout,
  database: string,
  onProgress: (message: string) => void,
): Promise<ServerProcess | undefined> {
  const server = await findServer(layout);
  if (!server) return undefined;
  const ready = await waitUntilReady(layout, server.pid);
  if (ready && (await hasDatabase(layout, database)) && (await answersOnPort(ready.port))) {
    onProgress(`Using the Postgres that is already running (pid ${ready.pid}, port ${ready.port})`);
    return ready;
  }
  onProgress(`Stopping an unusable Postgres of an earlier process (pid ${server.pid})`);
  await endServer(layout, server.pid);
  return undefined;
}

/** One that recovers from a crash becomes ready; one that is stopping goes away. */
async function waitUntilReady(layout: Layout, pid: number): Promise<ServerProcess | undefined> {
  const deadline = Date.now() + START_DEADLINE_S * 1000;
  while (Date.now() < deadline && isAlive(pid)) {
    const server = await findServer(layout);
    if (server?.pid !== pid) return undefined;
    if (server.status === "ready") return server;
    await Bun.sleep(READY_POLL_MS);
  }
  return undefined;
}

export async function start(
  layout: Layout,
  database: string,
  settings: Record<string, string>,
  onProgress: (message: string) => void,
): Promise<ServerProcess> {
  await removeStalePidFile(layout);
  await ensureDatabase(layout, database);
  for (let attempt = 1; attempt <= START_ATTEMPTS; attempt++) {
    const port = findFreePort();
    await writeSettings(layout, { ...settings, ...fixedSettings(port) });
    onProgress(`Starting Postgres ${layout.binaries.version} on ${HOST}:${port}`);
    const server = await startOnce(layout);
    if (server) return server;
  }
  throw await notStarted(layout);
}

/** The one at that port, started again if it has ended. */
export async function restart(
  layout: Layout,
  port: number,
  settings: Record<string, string>,
): Promise<ServerProcess> {
  const running = await findServer(layout);
  if (running?.port === port) return running;
  if (running) await endServer(layout, running.pid);
  await hasCluster(layout);
  await removeStalePidFile(layout);
  await writeSettings(layout, { ...settings, ...fixedSettings(port) });
  const server = await startOnce(layout);
  if (server) return server;
  throw await notStarted(layout);
}

/** `undefined` when it did not start, as when another program took the port in between; then none is left running. */
async function startOnce(layout: Layout): Promise<ServerProcess | undefined> {
  const files = ["-D", layout.clusterDir, "-l", layout.logFile];
  const command = [layout.binaries.pgCtl, "start", "-s", "-w", "-t", `${START_DEADLINE_S}`, ...files];
  const { code } = await run({ command, cwd: layout.dataDir, owner: layout.owner });
  const server = await findServer(layout);
  if (code === 0 && server) return server;
  if (server) await endServer(layout, server.pid);
  return undefined;
}

function fixedSettings(port: number): Record<string, string> {
  return {
    port: `${port}`,
    listen_addresses: HOST,
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
  };
}

async function notStarted(layout: Layout): Promise<EmbeddedPostgresError> {
  return new EmbeddedPostgresError(
    `The embedded Postgres did not start. The end of its log ${layout.logFile}:\n${await logTail(layout)}`,
  );
}

async function logTail(layout: Layout): Promise<string> {
  const text = await readFile(layout.logFile, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => SERVER_LINE.test(line));
  return lines.slice(-LOG_TAIL_LINES).join("\n") || "(the log is empty)";
}
