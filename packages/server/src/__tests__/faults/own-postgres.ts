import { spawn } from "node:child_process";
import { mkdtemp, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@wharf/embedded-postgres";
import { until } from "@wharf/testkit";
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

/** A Postgres that a test may kill: not the one that the other tests use. */
export async function startOwnPostgres(settings: Record<string, string> = {}): Promise<OwnPostgres> {
  const requested = await mkdtemp(join(tmpdir(), "wharf-faults-"));
  const started = await startEmbeddedPostgres({
    dataDir: requested,
    settings: { fsync: "off", ...settings },
  });
  const cluster = join(started.dataDir, "cluster");
  const program = await readlink(`/proc/${started.pid}/exe`);
  const owner = await stat(cluster);
  let pid = started.pid;
  let frozen: number[] = [];

  async function restart(): Promise<void> {
    const child = spawn(program, ["-D", cluster], {
      uid: owner.uid,
      gid: owner.gid,
      cwd: cluster,
      stdio: "ignore",
    });
    pid = child.pid ?? 0;
    await until(() => answers(started.url), { describe: "the Postgres that was started again answers" });
  }

  async function crash(): Promise<void> {
    const children = await childrenOf(pid);
    for (const each of [pid, ...children]) kill(each, "SIGKILL");
    await until(() => [pid, ...children].every((each) => !isRunning(each)));
  }

  return {
    url: started.url,
    crash,
    restart,
    freeze: async () => {
      frozen = [pid, ...(await childrenOf(pid))];
      for (const each of frozen) kill(each, "SIGSTOP");
    },
    thaw: () => {
      for (const each of frozen.splice(0)) kill(each, "SIGCONT");
    },
    remove: async () => {
      await crash();
      for (const folder of [requested, started.dataDir]) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 1, onnotice: () => {} });
  try {
    await sql`SELECT 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 0 }).catch(() => undefined);
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await Bun.file(`/proc/${pid}/task/${pid}/children`).text();
  return text.trim().split(" ").filter(Boolean).map(Number);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
