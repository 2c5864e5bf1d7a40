import { afterEach, expect, test } from "bun:test";
import zlib from "node:zlib";
import { until } from "@wharf/testkit";
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
  // Others have the other half, also for a body that declares its length and does not come.
  expect((await post(other, events)).status).toBe(400);
  expect(await post(other, "{}", { "content-length": "600000" })).toMatchObject(refused);
  for (const controller of opened.splice(0)) controller.error(new Error("the sender went away"));
  expect((await first).body.code).toBe("BODY_INCOMPLETE");
  expect((await post(key, new Uint8Array(450_000))).status).toBe(400);
});

test.each([
  ["gzip", zlib.gzipSync],
  ["zstd", zlib.zstdCompressSync],
])("what comes out of %s is counted, and given back with the answer", async (encoding, compress) => {
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
