import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { until } from "@wharf/testkit";
import { serve } from "../http/serve.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp();
const CONNECTIONS = 72;

const newKey = async (): Promise<string> =>
  (await server.request("POST", "/api/keys", { scope: "read", name: "k" })).body.key;

/** A timeline of 8 MB, which is more than the buffers of two sockets take. */
async function fillTimeline(): Promise<void> {
  const { sql } = server;
  const rows = sql`generate_series(1, 6) n`;
  const text = sql`repeat('y', 1000000)`;
  await sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'w', 'w')`;
  await sql`INSERT INTO devices (id, name, type) VALUES ('d', 'd', 'local')`;
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at, initial_prompt)
    SELECT 's' || n, 'w', 'd', now(), ${text} FROM ${rows}`;
  await sql`
    INSERT INTO git_activity (id, workspace_id, device_id, type, timestamp, message)
    SELECT 'g' || n, 'w', 'd', 'commit', now(), ${text} FROM ${rows}`;
}

/** Asks for the timeline and reads nothing of it. */
async function askWithoutReading(port: number, key: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  socket.pause();
  await once(socket, "connect");
  socket.write(`GET /api/timeline?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
  return socket;
}

// What it costs in memory is measured by bench:memory.
test("clients that do not read are refused above their share, while another key is answered", async () => {
  await fillTimeline();
  const [key, other] = [await newKey(), await newKey()];
  const { app, metrics } = server.current();
  const http = serve(app, { host: "127.0.0.1", port: 0 });
  const sockets: Socket[] = [];
  try {
    for (let n = 0; n < CONNECTIONS; n++) sockets.push(await askWithoutReading(http.port, key));
    const answered = () =>
      metrics.httpRequests.total("GET", "/api/timeline", "200") +
      metrics.httpRequests.total("GET", "/api/timeline", "503");
    await until(
      async () => {
        const headers = { authorization: `Bearer ${other}` };
        const { status } = await fetch(`http://127.0.0.1:${http.port}/api/sessions?limit=1`, { headers });
        expect(status).toBe(200);
        return answered() >= CONNECTIONS;
      },
      { deadlineMs: 60_000 },
    );
    expect(metrics.refusals.total("response_memory")).toBeGreaterThan(CONNECTIONS / 2);
  } finally {
    for (const socket of sockets) socket.destroy();
    await http.stop(0);
  }
}, 90_000);
