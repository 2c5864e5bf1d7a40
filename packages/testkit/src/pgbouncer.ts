import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { spawnProgram } from "./program.ts";
import { until } from "./until.ts";

export type PgBouncer = {
  /** The database of `dsn`, through the pooler. */
  url(dsn: string): string;
  /** Its clients get connections to this server from now on. */
  pointTo(dsn: string): Promise<void>;
  close(): Promise<void>;
};

const HOST = "127.0.0.1";
/** Of TEST_PGBOUNCER, on PATH, or where Debian puts it, which is not on every user's PATH. */
const PROGRAM = process.env["TEST_PGBOUNCER"] || Bun.which("pgbouncer") || "/usr/sbin/pgbouncer";

export const hasPgBouncer: boolean = existsSync(PROGRAM);

/** PgBouncer in transaction mode, otherwise with its own defaults, before the server of `dsn`. */
export async function startPgBouncer(dsn: string, settings: Record<string, string> = {}): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-pgbouncer-"));
  const port = await freePort();
  const options = {
    listen_addr: HOST,
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "any",
    pool_mode: "transaction",
    ...settings,
  };
  const lines = Object.entries(options).map(([name, value]) => `${name} = ${value}`);
  const file = join(folder, "pgbouncer.ini");
  const configure = (server: string) =>
    writeFile(file, ["[databases]", `* = ${addressOf(server)}`, "[pgbouncer]", ...lines, ""].join("\n"));
  await configure(dsn);
  await chmod(folder, 0o755);
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const program = spawnProgram({ command: [PROGRAM, ...user, file], cwd: folder });
  await until(() => answers(port), { describe: "PgBouncer takes connections" });
  return {
    url: (of) => {
      const url = new URL(of);
      url.hostname = HOST;
      url.port = `${port}`;
      return url.href;
    },
    pointTo: async (server) => {
      await configure(server);
      program.kill("SIGHUP");
    },
    close: async () => {
      program.kill("SIGKILL");
      await program.exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function addressOf(dsn: string): string {
  const { hostname, port, username, password } = new URL(dsn);
  return `host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}`;
}

async function answers(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: HOST, port, socket: { data: () => undefined } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
