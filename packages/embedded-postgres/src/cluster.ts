import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { prepareBinaries } from "./binaries.ts";
import { EmbeddedPostgresError } from "./errors.ts";
import { ensureCluster, ensureDatabase, hasDatabase, readPassword, writeSettings } from "./initialize.ts";
import { connectionString, DEFAULT_DATABASE, type Layout, layOut } from "./layout.ts";
import { withLock } from "./lock.ts";
import { findOwner, prepareDataDir } from "./owner.ts";
import { answersOnPort, findFreePort, HOST } from "./port.ts";
import { run } from "./run.ts";
import { endServer, findServer, isAlive, removeStalePidFile, type ServerProcess } from "./server-process.ts";

const START_ATTEMPTS = 4;
const START_DEADLINE_S = 60;
const READY_POLL_MS = 25;
const LOG_TAIL_LINES = 12;

export type EmbeddedPostgresOptions = {
  dataDir: string;
  database?: string;
  settings?: Record<string, string>;
  onProgress?: (message: string) => void;
};

export type EmbeddedPostgres = {
  /** with the password: never log it */
  url: string;
  host: string;
  port: number;
  version: string;
  /** where the data really is: elsewhere than asked for when we are root */
  dataDir: string;
  /** whether it was running already, left by a process that was killed or shared with one that lives */
  adopted: boolean;
  pid: number;
  /** Ends the server, within about 12 s; a second call waits for the first. */
  stop(): Promise<void>;
};

/**
 * Starts a Postgres on a loopback port with its data in `dataDir`, or takes over the one that runs there.
 * It outlives us unless it is stopped.
 * @throws EmbeddedPostgresError which says what to do, and holds no password
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { database = DEFAULT_DATABASE, settings = {}, onProgress = () => {} } = options;
  const owner = await findOwner();
  const [binaries, dataDir] = await Promise.all([
    prepareBinaries(owner, onProgress),
    prepareDataDir(options.dataDir, owner),
  ]);
  const layout = layOut(dataDir, binaries, owner);
  return withLock(join(dataDir, "start.lock"), async () => {
    await ensureCluster(layout, onProgress);
    const password = await readPassword(layout);
    const running = await adopt(layout, database, onProgress);
    const server = running ?? (await start(layout, database, settings, onProgress));
    return describe(layout, server, { password, database, adopted: running !== undefined });
  });
}

async function adopt(
  layout: Layout,
  database: string,
  onProgress: (message: string) => void,
): Promise<ServerProcess | undefined> {
  const server = await findServer(layout);
  if (!server) return undefined;
  const ready = await waitUntilReady(layout, server.pid);
  if (ready && (await hasDatabase(layout, database)) && (await answersOnPort(ready.port))) {
    onProgress(`Taking over the Postgres that runs already (pid ${ready.pid}, port ${ready.port})`);
    return ready;
  }
  onProgress(`Ending a Postgres that was left behind and cannot be used (pid ${server.pid})`);
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

async function start(
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
  throw new EmbeddedPostgresError(
    `The embedded Postgres did not start. The end of its log, ${layout.logFile}:\n${await logTail(layout)}`,
  );
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

function describe(
  layout: Layout,
  server: ServerProcess,
  { password, database, adopted }: { password: string; database: string; adopted: boolean },
): EmbeddedPostgres {
  let stopped: Promise<void> | undefined;
  return {
    url: connectionString(password, server.port, database),
    host: HOST,
    port: server.port,
    version: layout.binaries.version,
    dataDir: layout.dataDir,
    adopted,
    pid: server.pid,
    stop: () => {
      stopped ??= endServer(layout, server.pid);
      return stopped;
    },
  };
}

async function logTail(layout: Layout): Promise<string> {
  const text = await readFile(layout.logFile, "utf8").catch(() => "(there is none)");
  return text.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
}
