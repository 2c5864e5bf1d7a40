/**
 * Measures what the server's memory rises to, and how long other clients wait, under 150 unfinished bodies of 8 MB, 72 large responses
 * that are not read, 30 compressed batches of rejected events and 60 of accepted ones, each as large as it may be, and 1,000 batches
 * at once. Usage: bun run bench:memory [--only TEXT]. Fails above 600 MB, or when another client waited for more than a second.
 */
import { connect } from "node:net";
import { parseArgs } from "node:util";
import zlib from "node:zlib";
import { createUlid } from "../../packages/protocol/src/ulid.ts";
import { DEFAULT_LIMITS } from "../../packages/server/src/limits.ts";
import { startTarget, type Target } from "./bodies/target.ts";
import { createEvents, createRandom } from "./events.ts";
import { peakMemoryMb } from "./processes.ts";
import { progress, report } from "./report.ts";
import { IS_SMOKE, sized } from "./scale.ts";
import { ADMIN_KEY } from "./server.ts";

const MEMORY_MB_MAX = 600;
const WAIT_MS_MAX = 1_000;
const UNFINISHED_BYTES = 8_000_000;
const UNFINISHED = sized(150, 3);
const UNREAD = sized(72, 3);
const UNREAD_EVENTS = sized(30, 2);
const UNREAD_TEXT_CHARACTERS = 170_000;
const HELD_MS = sized(3_000, 300);
/** Within what a key may send: 100 requests and 10,000 events a second. */
const BETWEEN_BATCHES_MS = 110;

const BATCH_EVENTS = 1_000;
/** Of an event's text, before it is written in hex. */
const TEXT_BYTES = Math.floor(DEFAULT_LIMITS.decompressed_body_bytes / BATCH_EVENTS / 2) - 250;

type Statuses = Record<string, number>;
type Load = (server: Target, keys: readonly string[]) => Promise<Statuses>;
type PhaseFigures = {
  statuses: Statuses;
  memory_mb_max: number;
  others_slowest_ms: number;
  others_failed: number;
};

const { values: options } = parseArgs({ options: { only: { type: "string", default: "" } } });

const LOADS: Record<string, Load> = {
  "unfinished bodies": holdUnfinished,
  "unread responses": holdUnread,
  "rejected batches": (server, keys) => sendEvery(server, keys, sized(30, 1), () => largeBatch("bad")),
  "large batches": (server, keys) => sendEvery(server, keys, sized(60, 1), () => largeBatch(null)),
  "batches at once": sendAtOnce,
};

const target = await startTarget();
try {
  await run(target);
} finally {
  await target.stop();
}

async function run(server: Target): Promise<void> {
  const keys = await Promise.all(Array.from({ length: 3 }, server.newKey));
  const probe = await server.startProbe(await server.newKey());
  const idle_mb = peakMemoryMb(server.pid);
  const phases: Record<string, PhaseFigures> = {};
  for (const [name, load] of Object.entries(LOADS)) {
    if (!name.includes(options.only)) continue;
    await probe.figures();
    const statuses = await load(server, keys);
    const { slowest_ms, failures } = await probe.figures();
    const memory_mb_max = peakMemoryMb(server.pid);
    phases[name] = { statuses, memory_mb_max, others_slowest_ms: slowest_ms, others_failed: failures };
    progress(`${name}: ${JSON.stringify(phases[name])}`);
    await Bun.sleep(2_000);
  }
  probe.stop();
  const all = Object.values(phases);
  const memory_mb_max = Math.max(...all.map((phase) => phase.memory_mb_max));
  const others_slowest_ms = Math.max(...all.map((phase) => phase.others_slowest_ms));
  const holds =
    memory_mb_max <= MEMORY_MB_MAX &&
    others_slowest_ms <= WAIT_MS_MAX &&
    all.every((phase) => phase.others_failed === 0);
  if (!holds && !IS_SMOKE) process.exitCode = 1;
  report({ holds, memory_mb_max, others_slowest_ms, idle_mb, phases });
}

/** Bodies of which all but the end has come, until they are given up. */
async function holdUnfinished({ port }: Target, keys: readonly string[]): Promise<Statuses> {
  const statuses: Statuses = {};
  const sockets = Array.from({ length: UNFINISHED }, (_, at) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.once("data", (data) => count(statuses, data.toString("latin1").slice(9, 12)));
    socket.write(
      `POST /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys[at % keys.length]}\r\nContent-Type: application/json\r\nContent-Length: ${UNFINISHED_BYTES}\r\n\r\n`,
    );
    socket.write(Buffer.alloc(UNFINISHED_BYTES - 100_000, "a"));
    return socket;
  });
  await Bun.sleep(HELD_MS);
  for (const socket of sockets) socket.destroy();
  statuses["held"] = UNFINISHED - Object.values(statuses).reduce((sum, answers) => sum + answers, 0);
  return statuses;
}

/** Pages of events whose text takes six times as much in JSON, on connections that read nothing until they are given up. */
async function holdUnread({ port }: Target): Promise<Statuses> {
  const statuses: Statuses = {};
  const text = "\u0001".repeat(UNREAD_TEXT_CHARACTERS);
  const session_id = createUlid();
  for (let sent = 0; sent < UNREAD_EVENTS; sent++) {
    const event = {
      id: createUlid(),
      type: "test.thing",
      timestamp: new Date().toISOString(),
      device_id: "hostile",
      workspace_id: "github.com/acme/hostile",
      session_id,
      data: { text },
    };
    await post(port, ADMIN_KEY, Buffer.from(JSON.stringify({ events: [event] })), {}, statuses);
  }
  const request = `GET /api/sessions/${session_id}/events?limit=1000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_KEY}\r\n\r\n`;
  const sockets = Array.from({ length: UNREAD }, () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.pause();
    socket.write(request);
    return socket;
  });
  await Bun.sleep(HELD_MS);
  for (const socket of sockets) socket.destroy();
  statuses["held"] = UNREAD;
  return statuses;
}

/** A thousand events that fill a body to its limit; compressed, since the text is the same in each. */
function largeBatch(id: string | null): Buffer<ArrayBuffer> {
  const text = Buffer.from(crypto.getRandomValues(new Uint8Array(TEXT_BYTES))).toString("hex");
  const events = Array.from({ length: BATCH_EVENTS }, () => ({
    id: id ?? createUlid(),
    type: "test.thing",
    timestamp: new Date().toISOString(),
    device_id: "hostile",
    workspace_id: "github.com/acme/hostile",
    data: { text },
  }));
  return zlib.gzipSync(JSON.stringify({ events }), { level: 1 });
}

async function sendEvery(
  { port }: Target,
  keys: readonly string[],
  batches: number,
  make: () => Buffer<ArrayBuffer>,
): Promise<Statuses> {
  const bodies = Array.from({ length: batches }, make);
  const statuses: Statuses = {};
  const answers: Promise<void>[] = [];
  for (const [at, body] of bodies.entries()) {
    answers.push(post(port, keys[at % keys.length] ?? "", body, { "content-encoding": "gzip" }, statuses));
    await Bun.sleep(BETWEEN_BATCHES_MS);
  }
  await Promise.all(answers);
  return statuses;
}

/** A thousand connections, each of which sends a hundred events at the same time; by the admin key, which has no rate. */
async function sendAtOnce({ port }: Target): Promise<Statuses> {
  const random = createRandom(3);
  const bodies = Array.from({ length: sized(1_000, 10) }, () =>
    JSON.stringify({ events: createEvents(100, random) }),
  );
  const statuses: Statuses = {};
  await Promise.all(bodies.map((body) => sendAlone(port, body, statuses)));
  return statuses;
}

/** On a connection of its own: fetch opens no more than 256 at a time. */
function sendAlone(port: number, body: string, statuses: Statuses): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", (data) => count(statuses, data.toString("latin1").slice(9, 12)));
    socket.on("error", (error) => count(statuses, error.message));
    socket.once("close", () => resolve());
    socket.write(
      `POST /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_KEY}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
}

async function post(
  port: number,
  key: string,
  body: string | Buffer<ArrayBuffer>,
  headers: Record<string, string>,
  statuses: Statuses,
): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/api/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body,
  });
  await response.arrayBuffer();
  count(statuses, String(response.status));
}

function count(statuses: Statuses, status: string): void {
  statuses[status] = (statuses[status] ?? 0) + 1;
}
