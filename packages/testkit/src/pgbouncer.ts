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
  close(): Promise<void>;
};

const HOST = "127.0.0.1";
/** Where Debian puts it, which is not on every user's PATH. */
const PROGRAM = Bun.which("pgbouncer") ?? "/usr/sbin/pgbouncer";

export const hasPgBouncer: boolean = existsSync(PROGRAM);

/** PgBouncer in transaction mode, otherwise with its own defaults, before the server of `dsn`. */
export async function startPgBouncer(dsn: string, settings: Record<string, string> = {}): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-pgbouncer-"));
  const port = await freePort();
  const { hostname, port: serverPort, username, password } = new URL(dsn);
  const server = `host=${hostname} port=${serverPort} user=${username} password=${decodeURIComponent(password)}`;
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
  await writeFile(file, ["[databases]", `* = ${server}`, "[pgbouncer]", ...lines, ""].join("\n"));
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
    close: async () => {
      program.kill("SIGKILL");
      await program.exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
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
