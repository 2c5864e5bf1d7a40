import postgres from "postgres";
import { migratePhases } from "../../../packages/server/src/db/phases.ts";
import { databaseUrl, startBenchPostgres } from "../postgres.ts";
import { ADMIN_KEY, type Server, startServer } from "../server.ts";

const DATABASE = "bench_dashboard";

/** Two server processes on one database: what one of them stores, the other one sends to its viewers. */
export type Hub = { writer: Server; reader: Server; sql: postgres.Sql; url: string; stop(): Promise<void> };

export async function startHub(): Promise<Hub> {
  const bench = await startBenchPostgres();
  const url = databaseUrl(bench.url, DATABASE);
  await bench.recreate(DATABASE, "template0");
  const sql = postgres(url, { max: 2, onnotice: () => undefined });
  await migratePhases(sql);
  const [writer, reader] = await Promise.all([startServer(url), startServer(url)]);
  return {
    writer,
    reader,
    sql,
    url,
    stop: async () => {
      await sql.end();
      await Promise.all([writer.stop(), reader.stop()]);
      await bench.stop();
    },
  };
}

/** Stores one event of a session; resolves when the hub has answered. */
export async function sendEvent({ port }: Server, id: string, session_id: string): Promise<void> {
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
