import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { until } from "@wharf/testkit";
import { serve } from "../http/serve.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp();
const CONNECTIONS = 72;
/** With the responses that are kept, what is garbage already; unbounded, the responses alone are 600 MB. */
const RSS_GROWTH_BYTES_MAX = 10 * DEFAULT_LIMITS.response_memory_bytes;
const ANSWER_MS_MAX = 1_000;

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

test("clients that do not read fill neither the memory nor the way of another key", async () => {
  await fillTimeline();
  const [key, other] = [await newKey(), await newKey()];
  const { app, metrics } = server.current();
  const http = serve(app, { host: "127.0.0.1", port: 0 });
  const sockets: Socket[] = [];
  const rss = process.memoryUsage.rss();
  let [peak, slowest_ms] = [0, 0];
  try {
    for (let n = 0; n < CONNECTIONS; n++) sockets.push(await askWithoutReading(http.port, key));
    const answered = () =>
      metrics.httpRequests.total("GET", "/api/timeline", "200") +
      metrics.httpRequests.total("GET", "/api/timeline", "503");
    await until(
      async () => {
        const startedAt = performance.now();
        const headers = { authorization: `Bearer ${other}` };
        const { status } = await fetch(`http://127.0.0.1:${http.port}/api/sessions?limit=1`, { headers });
        expect(status).toBe(200);
        slowest_ms = Math.max(slowest_ms, performance.now() - startedAt);
        peak = Math.max(peak, process.memoryUsage.rss());
        return answered() >= CONNECTIONS;
      },
      { deadlineMs: 60_000 },
    );
    expect(metrics.refusals.total("response_memory")).toBeGreaterThan(CONNECTIONS / 2);
    expect(peak - rss).toBeLessThan(RSS_GROWTH_BYTES_MAX);
    expect(slowest_ms).toBeLessThan(ANSWER_MS_MAX);
  } finally {
    for (const socket of sockets) socket.destroy();
    await http.stop(0);
  }
}, 90_000);
