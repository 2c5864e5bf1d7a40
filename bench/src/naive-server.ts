/** What a backend without group commit does: one INSERT a request. Usage: bun naive-server.ts URL. Prints its port. */
import postgres from "postgres";
import type { BenchEvent } from "./events.ts";

type Row = Omit<BenchEvent, "data"> & { data: postgres.JSONValue };

const [url = ""] = process.argv.slice(2);
const sql = postgres(url, { max: 10 });
const ids = new Map(
  (await sql<{ id: string; canonical_id: string }[]>`SELECT id, canonical_id FROM workspaces`).map((row) => [
    row.canonical_id,
    row.id,
  ]),
);

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: async (request) => {
    const event = firstEvent(await request.json());
    if (event === undefined) return new Response("", { status: 400 });
    const workspace = ids.get(event.workspace_id) ?? null;
    const rows = await sql`
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
      VALUES (${event.id}, ${event.type}, ${event.timestamp}, ${event.device_id}, ${workspace}, ${event.session_id}, ${sql.json(event.data)})
      ON CONFLICT (id) DO NOTHING RETURNING id`;
    return Response.json({ ingested: rows.length }, { status: 202 });
  },
});
process.stdout.write(`${server.port}\n`);

/** The load is our own: only its shape is checked. */
function firstEvent(body: unknown): Row | undefined {
  const isBatch = (value: unknown): value is { events: Row[] } =>
    typeof value === "object" && value !== null && "events" in value;
  return isBatch(body) ? body.events[0] : undefined;
}
