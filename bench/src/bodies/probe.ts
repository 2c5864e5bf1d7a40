/**
 * Another client, in a process of its own so that nothing but the server holds it up. Usage: bun probe.ts PORT KEY. Sends in turn
 * GET /health/live and, with a key, one event, every 10 ms. For each line on standard input prints { slowest_ms, requests, failures }
 * of the time since the line before.
 */
import { createUlid } from "../../../packages/protocol/src/ulid.ts";
import { rounded } from "../report.ts";

const EVERY_MS = 10;
const [port = "", key = ""] = process.argv.slice(2);
let figures = { slowest_ms: 0, requests: 0, failures: 0 };

void probe();
for await (const _ of console) {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  figures = { slowest_ms: 0, requests: 0, failures: 0 };
}
process.exit(0);

async function probe(): Promise<void> {
  for (let turn = 0; ; turn++) {
    const startedAt = performance.now();
    const ok = await (key !== "" && turn % 2 === 1 ? sendEvent() : isAlive()).catch(() => false);
    const tookMs = rounded(performance.now() - startedAt, 1);
    figures = {
      slowest_ms: Math.max(figures.slowest_ms, tookMs),
      requests: figures.requests + 1,
      failures: figures.failures + (ok ? 0 : 1),
    };
    await Bun.sleep(EVERY_MS);
  }
}

async function isAlive(): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/health/live`)).ok;
}

async function sendEvent(): Promise<boolean> {
  const event = {
    id: createUlid(),
    type: "probe.event",
    timestamp: new Date().toISOString(),
    device_id: "probe",
    workspace_id: "github.com/acme/probe",
    data: {},
  };
  const response = await fetch(`http://127.0.0.1:${port}/api/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ events: [event] }),
  });
  await response.arrayBuffer();
  return response.status === 202;
}
