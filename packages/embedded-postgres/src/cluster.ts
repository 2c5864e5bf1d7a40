import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { prepareBinaries } from "./binaries.ts";
import { prepareDataDir } from "./data-dir.ts";
import { ensureCluster, readPassword } from "./initialize.ts";
import { connectionString, DEFAULT_DATABASE, type Layout, layOut } from "./layout.ts";
import { withLock } from "./lock.ts";
import { findOwner } from "./owner.ts";
import { HOST } from "./port.ts";
import { endServer, isServerOf, type ServerProcess } from "./server-process.ts";
import { adopt, restart, start } from "./start-server.ts";

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
  /** where the data really is: elsewhere than requested where the user that Postgres runs as cannot enter */
  dataDir: string;
  /** whether it was running already, left by a process that was killed or shared with one that lives */
  adopted: boolean;
  readonly pid: number;
  /** Whether its process lives: true also while it recovers from a crash of one of its backends. */
  isRunning(): Promise<boolean>;
  /**
   * Starts it again, at the same port, when it has ended; one that runs there is left as it is.
   * @throws EmbeddedPostgresError when it does not start, with the end of its log
   */
  restart(): Promise<void>;
  /** Ends the server, within about 12 s; a second call waits for the first. */
  stop(): Promise<void>;
};

/**
 * Starts a Postgres on a loopback port with its data in `dataDir`, or takes over the one that runs there.
 * It outlives us unless it is stopped.
 * @throws EmbeddedPostgresError with the remedy and without the password
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { database = DEFAULT_DATABASE, settings = {}, onProgress = () => {} } = options;
  const user = await findOwner();
  const binaries = await prepareBinaries(user, onProgress);
  const lockFile = await prepareLockFile(options.dataDir);
  return withLock(lockFile, async () => {
    const { path, owner } = await prepareDataDir(options.dataDir, user);
    const layout = layOut(path, binaries, owner);
    await ensureCluster(layout, onProgress);
    const password = await readPassword(layout);
    const running = await adopt(layout, database, onProgress);
    const server = running ?? (await start(layout, database, settings, onProgress));
    return describe(layout, server, {
      password,
      database,
      settings,
      lockFile,
      adopted: running !== undefined,
    });
  });
}

/** In the requested folder, since where the data lies is only decided under the lock. */
async function prepareLockFile(requested: string): Promise<string> {
  await mkdir(requested, { recursive: true, mode: 0o700 });
  return join(requested, "start.lock");
}

type Facts = {
  password: string;
  database: string;
  settings: Record<string, string>;
  lockFile: string;
  adopted: boolean;
};

function describe(layout: Layout, started: ServerProcess, facts: Facts): EmbeddedPostgres {
  const { port } = started;
  let { pid } = started;
  let stopped: Promise<void> | undefined;
  return {
    url: connectionString(facts.password, port, facts.database),
    host: HOST,
    port,
    version: layout.binaries.version,
    dataDir: layout.dataDir,
    adopted: facts.adopted,
    get pid() {
      return pid;
    },
    isRunning: () => isServerOf(layout, pid),
    restart: () =>
      withLock(facts.lockFile, async () => {
        ({ pid } = await restart(layout, port, facts.settings));
      }),
    stop: () => {
      stopped ??= endServer(layout, pid);
      return stopped;
    },
  };
}
