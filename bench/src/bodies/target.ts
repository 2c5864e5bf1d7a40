import { join } from "node:path";
import { startBenchPostgres } from "../postgres.ts";
import { ADMIN_KEY, startServer } from "../server.ts";

const PROBE = join(import.meta.dir, "probe.ts");

export type ProbeFigures = { slowest_ms: number; requests: number; failures: number };
export type Target = {
  port: number;
  pid: number;
  newKey(): Promise<string>;
  /** Another client; `figures` answers with those of the time since it was last asked. */
  startProbe(key: string): Promise<{ figures(): Promise<ProbeFigures>; stop(): void }>;
  stop(): Promise<void>;
};

/** A server of this checkout with a Postgres of its own, in processes of their own. */
export async function startTarget(): Promise<Target> {
  const postgres = await startBenchPostgres();
  const { port, pid, stop: stopServer } = await startServer(postgres.url);

  async function newKey(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${port}/api/keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ scope: "ingest", name: "benchmark" }),
    });
    const body: unknown = await response.json();
    const key = typeof body === "object" && body !== null && "key" in body ? body.key : undefined;
    if (typeof key !== "string") throw new Error(`no key was made: ${response.status}`);
    return key;
  }

  async function stop(): Promise<void> {
    await stopServer();
    await postgres.stop();
  }

  return { port, pid, newKey, startProbe: (key) => startProbe(port, key), stop };
}

async function startProbe(port: number, key: string) {
  const child = Bun.spawn([process.execPath, PROBE, String(port), key], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();

  async function figures(): Promise<ProbeFigures> {
    await child.stdin.write("\n");
    await child.stdin.flush();
    const { value } = await reader.read();
    const parsed: ProbeFigures = JSON.parse(new TextDecoder().decode(value));
    return parsed;
  }

  // The first answers come from a client that has just started.
  await Bun.sleep(500);
  await figures();
  return { figures, stop: () => child.kill() };
}
