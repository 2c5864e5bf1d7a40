/**
 * What a backend without group commit does: one INSERT a request, behind the same things that any server of events needs, a
 * key and checks of the body. Usage: bun naive-server.ts URL KEY. Prints its port.
 */
import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import postgres from "postgres";
import { eventBatchSchema, eventSchema } from "../../packages/protocol/src/index.ts";

const [url = "", key = ""] = process.argv.slice(2);
const sql = postgres(url, { max: 10 });
const ids = new Map(
  (await sql<{ id: string; canonical_id: string }[]>`SELECT id, canonical_id FROM workspaces`).map((row) => [
    row.canonical_id,
    row.id,
  ]),
);

const app = new Hono();
app.use(bearerAuth({ token: key }));
app.post("/api/events", async (c) => {
  const body = eventBatchSchema.safeParse(await c.req.json());
  const event = eventSchema.safeParse(body.data?.events[0]);
  if (!event.success) return c.json({ error: event.error.message }, 400);
  const { id, type, timestamp, device_id, workspace_id, session_id, data } = event.data;
  const rows = await sql`
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
    VALUES (
      ${id}, ${type}, ${timestamp}, ${device_id}, ${ids.get(workspace_id) ?? null}, ${session_id ?? null},
      ${JSON.stringify(data)}::text::jsonb
    )
    ON CONFLICT (id) DO NOTHING RETURNING id`;
  return c.json({ ingested: rows.length }, 202);
});

const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
process.stdout.write(`${server.port}\n`);
