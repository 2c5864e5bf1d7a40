import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { Hono } from "hono";
import { NO_ACCESS, requestVariables } from "../../__tests__/request-variables.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { readBody } from "../body.ts";
import type { Caller } from "../caller.ts";
import { INTERNAL, problemOf, problemResponse } from "../problem.ts";
import type { AppEnv } from "../request-context.ts";
import { type HttpServer, serve } from "../serve.ts";

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(MIB, "a");
const CHUNK = Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), PIECE, Buffer.from("\r\n")]);
const LAST_CHUNK = "0\r\n\r\n";
const CALLER: Caller = { keyId: "a", scope: "ingest", deviceId: null };
const NEXT = "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
let server: HttpServer;

beforeAll(() => {
  const app = new Hono<AppEnv>();
  app.use(requestVariables(NO_ACCESS, { caller: CALLER }));
  app.post("/read", async (c) => c.text(`${(await readBody(c, DEFAULT_LIMITS)).byteLength}`));
  app.post("/unread", (c) => c.text("refused", 401));
  app.get("/next", (c) => c.text("next"));
  app.onError((error, c) => problemResponse(c.req.path, "id", problemOf(error) ?? INTERNAL));
  server = serve(app, { host: "127.0.0.1", port: 0 });
});
afterAll(() => server.stop(0));

/** As simple clients do: writes the whole request, then reads what came back, until the server closes. */
async function sendThenRead(head: string, piece: Buffer, pieces: number, end: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  const closed = new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => resolve());
  });
  socket.pause();
  let received = "";
  socket.on("data", (data) => {
    received += data.toString();
  });
  socket.pause();
  socket.write(head);
  for (let sent = 0; sent < pieces; sent++) socket.write(piece);
  await new Promise<void>((resolve) => socket.write(end, () => resolve()));
  socket.write(NEXT, () => socket.resume());
  await closed;
  return received;
}

test.each([
  ["of a declared length", "/read", " 413 ", `Content-Length: ${9 * MIB}`, PIECE, ""],
  ["in chunks", "/read", " 413 ", "Transfer-Encoding: chunked", CHUNK, LAST_CHUNK],
  ["that no handler reads", "/unread", " 401 ", `Content-Length: ${9 * MIB}`, PIECE, ""],
  ["in chunks that no handler reads", "/unread", " 401 ", "Transfer-Encoding: chunked", CHUNK, LAST_CHUNK],
])(
  "a client that sends 9 MiB %s before it reads gets the refusal, and then its next answer",
  async (...row) => {
    const [, path, status, length, piece, end] = row;
    const received = await sendThenRead(
      `POST ${path} HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n`,
      piece,
      9,
      end,
    );
    expect(received.split("\r\n")[0]).toContain(status);
    expect(received).toEndWith("next");
  },
);

test.each([
  ["of 3 GiB, and closes the connection", 3 * 1024 * MIB, true],
  ["of 200 MiB", 200 * MIB, false],
])("a declared length %s is refused before any of the body is sent", async (_what, bytes, isClosed) => {
  const socket = connect(server.port, "127.0.0.1");
  const answer = new Promise<string>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", (data) => resolve(data.toString()));
  });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(`POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`);
  expect(await answer).toStartWith("HTTP/1.1 413 ");
  if (!isClosed) socket.destroy();
  await closed;
});
