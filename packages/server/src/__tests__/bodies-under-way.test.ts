import { afterEach, expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import zlib from "node:zlib";
import { until } from "@wharf/testkit";
import { serve } from "../http/serve.ts";
import { event } from "./events.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp({ limits: { body_memory_bytes: 1_000_000, key_events_per_s: 2 } });
const opened: ReadableStreamDefaultController<Uint8Array>[] = [];

afterEach(() => {
  for (const controller of opened.splice(0)) controller.error(new Error("the sender went away"));
});

async function newKey(): Promise<string> {
  return (await server.request("POST", "/api/keys", { scope: "ingest", name: "k" })).body.key;
}

async function post(
  key: string,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
) {
  const response = await server.current().app.request("/api/events", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body,
  });
  // biome-ignore lint/suspicious/noExplicitAny: as in TestResponse.
  const answer: any = await response.json();
  return { status: response.status, body: answer, headers: response.headers };
}

/** A body of which this much has come, and no more. */
function unfinished(bytes: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      opened.push(controller);
      controller.enqueue(new Uint8Array(bytes).fill(0x20));
    },
  });
}

const refused = { status: 429, body: { code: "BODY_MEMORY_FULL" } };
const events = '{"events":[]}';

test("bodies that have not come whole are counted until their sender goes away", async () => {
  const [key, other] = [await newKey(), await newKey()];
  const first = post(key, unfinished(450_000));
  const isFull = async () => (await post(key, new Uint8Array(100_000))).status === 429;
  await until(isFull);
  const { headers, ...answer } = await post(key, new Uint8Array(100_000));
  expect(answer).toMatchObject(refused);
  expect(headers.get("retry-after")).toBe("1");
  expect((await post(key, unfinished(100_000))).status).toBe(429);
  // Others have the other half.
  expect((await post(other, events)).status).toBe(400);
  expect(await post(other, new Uint8Array(600_000))).toMatchObject(refused);
  for (const controller of opened.splice(0)) controller.error(new Error("the sender went away"));
  expect((await first).body.code).toBe("BODY_INCOMPLETE");
  expect((await post(key, new Uint8Array(450_000))).status).toBe(400);
});

test.each([
  ["gzip", zlib.gzipSync],
  ["zstd", zlib.zstdCompressSync],
])("what comes out of %s is counted, and released with the response", async (encoding, compress) => {
  const [key, other] = [await newKey(), await newKey()];
  const held = post(other, unfinished(450_000));
  await until(async () => (await post(other, new Uint8Array(100_000))).status === 429);
  const headers = { "content-encoding": encoding };
  const large = Uint8Array.from(compress(Buffer.alloc(700_000, 0x20)));
  expect(await post(key, large, headers)).toMatchObject(refused);
  const small = Uint8Array.from(compress(Buffer.alloc(400_000, 0x20)));
  for (let times = 0; times < 4; times++)
    expect((await post(key, small, headers)).body.code).toBe("JSON_MALFORMED");
  for (const controller of opened.splice(0)) controller.error(new Error("the sender went away"));
  await held;
});

test("a key whose events are used up is refused before its body is read", async () => {
  const key = await newKey();
  expect((await post(key, JSON.stringify({ events: [1, 2, 3, 4, 5] }))).status).toBe(202);
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        pulls += 1;
        controller.enqueue(new Uint8Array(1_000));
      },
    },
    { highWaterMark: 0 },
  );
  expect(await post(key, body)).toMatchObject({ status: 429, body: { code: "RATE_LIMITED" } });
  expect(pulls).toBe(0);
});

/** Connections that declare a body of this length and send `sent` bytes of it. */
async function openBodies(
  port: number,
  {
    count,
    path,
    key,
    length,
    sent,
  }: { count: number; path: string; key?: string; length: number; sent: number },
): Promise<Socket[]> {
  const authorization = key === undefined ? "" : `Authorization: Bearer ${key}\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1"));
  for (const socket of sockets) socket.on("error", () => undefined).write(head + " ".repeat(sent));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  return sockets;
}

test.each([
  ["declare large bodies and send none of them", 8_000_000, 0],
  ["send large bodies but for their end", 300_000, 299_000],
  ["send small bodies but for their end", 60_000, 59_000],
])("a new key's event is stored while two keys, and others without one, %s", async (_, length, sent) => {
  const http = serve(server.current().app, { host: "127.0.0.1", port: 0 });
  const sockets: Socket[] = [];
  try {
    for (const key of [await newKey(), await newKey()])
      sockets.push(...(await openBodies(http.port, { count: 8, path: "/api/events", key, length, sent })));
    const enrolments = {
      count: 100,
      path: "/api/devices/enrol",
      length: 16_384,
      sent: Math.min(sent, 16_000),
    };
    sockets.push(...(await openBodies(http.port, enrolments)));
    const key = await newKey();
    const response = await fetch(`http://127.0.0.1:${http.port}/api/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ events: [event()] }),
    });
    expect(response.status).toBe(202);
    expect((await server.request("POST", "/api/sessions/batch-status", { session_ids: ["a"] })).status).toBe(
      200,
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    await http.stop(0);
  }
});
