import { join } from "node:path";
import postgres from "postgres";
import { migratePhases } from "../../../packages/server/src/db/phases.ts";
import { databaseUrl, startBenchPostgres } from "../postgres.ts";
import { type Child, startProgram } from "../processes.ts";

export const ADMIN_KEY = "benchmark-key-benchmark-key-benchmark-key";
const SERVER = join(import.meta.dir, "../../../packages/server/src/main.ts");
const DATABASE = "bench_dashboard";

export type HubServer = { port: number; pid: number };

/** Two server processes on one database: what one of them stores, the other one sends to its viewers. */
export type Hub = { writer: HubServer; reader: HubServer; sql: postgres.Sql; stop(): Promise<void> };

export async function startHub(): Promise<Hub> {
  const bench = await startBenchPostgres();
  const url = databaseUrl(bench.url, DATABASE);
  await bench.recreate(DATABASE, "template0");
  const sql = postgres(url, { max: 2, onnotice: () => undefined });
  await migratePhases(sql);
  const [writer, reader] = await Promise.all([startServer(url), startServer(url)]);
  return {
    writer: { port: portOf(writer), pid: writer.pid },
    reader: { port: portOf(reader), pid: reader.pid },
    sql,
    stop: async () => {
      await sql.end();
      await Promise.all([writer.stop(), reader.stop()]);
      await bench.stop();
    },
  };
}

function startServer(url: string): Promise<Child> {
  return startProgram([process.execPath, SERVER], /"msg":"ready"/, {
    DATABASE_URL: url,
    WHARF_ADMIN_KEY: ADMIN_KEY,
    PORT: "0",
    HOST: "127.0.0.1",
    LOG_LEVEL: "info",
  });
}

function portOf({ line }: Child): number {
  return Number(/localhost:(\d+)/.exec(line)?.[1]);
}

/** Stores one event of a session; resolves when the hub has answered. */
export async function sendEvent({ port }: HubServer, id: string, session_id: string): Promise<void> {
  const event = {
    id,
    type: "tool.use",
    timestamp: new Date().toISOString(),
    device_id: "laptop",
    workspace_id: "github.com/acme/site",
    session_id,
    data: {},
  };
  const response = await fetch(`http://127.0.0.1:${port}/api/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ events: [event] }),
  });
  if (response.status !== 202) throw new Error(`an event was answered with ${response.status}`);
  await response.arrayBuffer();
}
