import { spawn } from "node:child_process";
import { appendFile, cp, mkdtemp, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@wharf/embedded-postgres";
import { freePort, until } from "@wharf/testkit";
import postgres from "postgres";

export type OwnPostgres = {
  url: string;
  /** Ends it and its backends as a power cut would, but for the disk. */
  crash(): Promise<void>;
  /** Starts it again at the same address; resolves when it takes connections. */
  restart(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): void;
  remove(): Promise<void>;
};

export type OwnNode = Omit<OwnPostgres, "remove">;

type Cluster = { program: string; folder: string; uid: number; gid: number };

/** A Postgres that a test may kill: not the one that the other tests use. */
export async function startOwnPostgres(settings: Record<string, string> = {}): Promise<OwnPostgres> {
  const { cluster, started, remove } = await createCluster(settings);
  const node = controlNode({ cluster, url: started.url, pid: started.pid });
  return {
    ...node,
    remove: async () => {
      await node.crash();
      await remove();
    },
  };
}

export type ReplicatedPostgres = {
  primary: OwnNode;
  standby: OwnNode;
  /** A connection string with both, in that order. */
  url(first: OwnNode, second: OwnNode, parameters: string): string;
  /** Ends the primary as a power cut would, and makes the standby the primary. */
  failOver(): Promise<void>;
  remove(): Promise<void>;
};

/** A primary and a hot standby, to which it replicates synchronously or not. */
export async function startReplicatedPostgres({
  synchronous,
}: {
  synchronous: boolean;
}): Promise<ReplicatedPostgres> {
  const { cluster, started, remove } = await createCluster({});
  await started.stop();
  const { port, username, password } = new URL(started.url);
  const copy = { ...cluster, folder: `${cluster.folder}-standby` };
  // Of a server that was shut down, a copy of the files is a whole backup.
  await cp(cluster.folder, copy.folder, { recursive: true, preserveTimestamps: true });
  const source = `host=127.0.0.1 port=${port} user=${username} password=${decodeURIComponent(password)}`;
  await writeFile(join(copy.folder, "standby.signal"), "");
  await appendFile(join(copy.folder, "postgresql.auto.conf"), `primary_conninfo = '${source}'\n`);
  await giveTo(copy);
  const standbyPort = await freePort();
  const standbyUrl = started.url.replace(`:${port}/`, `:${standbyPort}/`);
  const names = synchronous ? ["-c", "synchronous_standby_names=*"] : [];
  const primary = controlNode({ cluster, url: started.url, args: names });
  const standby = controlNode({ cluster: copy, url: standbyUrl, args: ["-p", `${standbyPort}`] });
  await Promise.all([primary.restart(), standby.restart()]);
  await until(() => isStreaming(primary.url), { describe: "the standby receives what the primary writes" });
  return {
    primary,
    standby,
    url: (first, second, parameters) => {
      const url = new URL(first.url);
      return url.href.replace(url.host, `${url.host},${new URL(second.url).host}`) + parameters;
    },
    failOver: async () => {
      await primary.crash();
      await withConnection(standby.url, (sql) => sql`SELECT pg_promote()`);
    },
    remove: async () => {
      await Promise.all([primary.crash(), standby.crash()]);
      await remove();
    },
  };
}

async function createCluster(settings: Record<string, string>) {
  const requested = await mkdtemp(join(tmpdir(), "wharf-faults-"));
  const started = await startEmbeddedPostgres({
    dataDir: requested,
    settings: { fsync: "off", ...settings },
  });
  const folder = join(started.dataDir, "cluster");
  const program = await readlink(`/proc/${started.pid}/exe`);
  const { uid, gid } = await stat(folder);
  const remove = async () => {
    for (const each of [requested, started.dataDir]) await rm(each, { recursive: true, force: true });
  };
  return { cluster: { program, folder, uid, gid }, started, remove };
}

type Node = { cluster: Cluster; url: string; pid?: number; args?: readonly string[] };

function controlNode({ cluster, url, pid = 0, args = [] }: Node): OwnNode {
  let frozen: number[] = [];

  async function restart(): Promise<void> {
    const { program, folder, uid, gid } = cluster;
    const options = { uid, gid, cwd: folder, stdio: "ignore" } as const;
    // While the one before is a zombie, its lock file is valid.
    await until(() => pid === 0 || !isThere(pid), { describe: "the zombie to be removed" });
    pid = spawn(program, ["-D", folder, ...args], options).pid ?? 0;
    await until(() => answers(url), { describe: "the Postgres that was started again answers" });
  }

  async function crash(): Promise<void> {
    const children = await childrenOf(pid);
    const all = [pid, ...children];
    for (const each of all) kill(each, "SIGKILL");
    await until(async () => !(await Promise.all(all.map(isRunning))).includes(true));
  }

  return {
    url,
    crash,
    restart,
    freeze: async () => {
      frozen = [pid, ...(await childrenOf(pid))];
      for (const each of frozen) kill(each, "SIGSTOP");
    },
    thaw: () => {
      for (const each of frozen.splice(0)) kill(each, "SIGCONT");
    },
  };
}

async function giveTo({ folder, uid, gid }: Cluster): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const child = Bun.spawn(["chown", "-R", `${uid}:${gid}`, folder]);
  await child.exited;
}

async function isStreaming(url: string): Promise<boolean> {
  const rows = await withConnection(
    url,
    (sql) => sql`SELECT FROM pg_stat_replication WHERE state = 'streaming'`,
  );
  return rows.length > 0;
}

async function answers(url: string): Promise<boolean> {
  return await withConnection(url, (sql) => sql`SELECT 1`).then(
    () => true,
    () => false,
  );
}

async function withConnection<T>(url: string, use: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
  const sql = postgres(url, { max: 1, connect_timeout: 1, onnotice: () => {} });
  try {
    return await use(sql);
  } finally {
    await sql.end({ timeout: 0 }).catch(() => undefined);
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await Bun.file(`/proc/${pid}/task/${pid}/children`)
    .text()
    .catch(() => "");
  return text.trim().split(" ").filter(Boolean).map(Number);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A zombie has ended: it holds no connection and no open file. Its parent may take a second or more to remove it. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}
