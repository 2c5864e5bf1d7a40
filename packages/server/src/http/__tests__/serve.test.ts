import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { until } from "@wharf/testkit";
import { Hono } from "hono";
import { NO_ACCESS, requestVariables } from "../../__tests__/request-variables.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { decodeBody, readBody } from "../body.ts";
import { peerAddress } from "../client-address.ts";
import { ProblemError } from "../problem.ts";
import type { AppEnv } from "../request-context.ts";
import { addressError, type HttpServer, serve } from "../serve.ts";

let server: HttpServer;
const refusals: unknown[] = [];

beforeAll(() => {
  const app = new Hono<AppEnv>();
  app.use(requestVariables(NO_ACCESS));
  app.get("/api/keys", (c) => c.text(`keys ${c.req.query("x")}`));
  app.get("/address", (c) => c.text(peerAddress(c) ?? "unknown"));
  app.post("/echo", async (c) => c.text(decodeBody(await readBody(c, DEFAULT_LIMITS))));
  app.onError((error, c) => {
    refusals.push(error);
    return c.text("refused", 400);
  });
  server = serve(app, { host: "127.0.0.1", port: 0 });
});
afterAll(() => server.stop(0));

/** What comes back until the server closes the connection. */
async function exchange(request: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  const pieces: string[] = [];
  socket.on("data", (chunk) => pieces.push(chunk.toString()));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(request);
  await closed;
  return pieces.join("");
}

const close = "Connection: close\r\n\r\n";

test.each([
  ["HTTP/1.0 without a host", "HTTP/1.0\r\n"],
  ["an empty host", "HTTP/1.1\r\nHost:\r\n"],
  ["a host", "HTTP/1.1\r\nHost: example\r\n"],
])("with %s a path is the path that was asked for", async (_, rest) => {
  const found = await exchange(`GET /api/keys?x=1 ${rest}${close}`);
  expect(found.split("\r\n")[0]).toContain(" 200 ");
  expect(found).toEndWith("keys 1");
  for (const path of ["/1234567/api/keys", "//1234567/api/keys", "/:1234/api/keys"]) {
    expect(await exchange(`GET ${path} ${rest}${close}`)).toContain(" 404 ");
  }
  expect(await exchange(`GET /address ${rest}${close}`)).toEndWith("127.0.0.1");
  expect(await exchange(`POST /echo ${rest}Content-Length: 5\r\n${close}hello`)).toEndWith("hello");
});

test.each([
  ["of a declared length", "Content-Length: 1000\r\n\r\n{"],
  ["in chunks", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"],
])("a sender that goes away in the middle of a body %s is no failure of the server", async (_, rest) => {
  refusals.length = 0;
  const socket = connect(server.port, "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  socket.write(`POST /echo HTTP/1.1\r\nHost: x\r\n${rest}`, () => socket.destroy());
  await until(() => refusals.length > 0);
  const [refusal] = refusals;
  expect(refusal instanceof ProblemError ? refusal.options : refusal).toMatchObject({
    status: 400,
    code: "BODY_INCOMPLETE",
  });
});

test("an error outside the app becomes a problem without details, and is passed to onError", async () => {
  const told: unknown[] = [];
  const failing = serve(
    { fetch: () => Promise.reject(new Error("a secret")) },
    { host: "127.0.0.1", port: 0, onError: (error, requestId) => told.push([String(error), requestId]) },
  );
  const response = await fetch(`http://127.0.0.1:${failing.port}/`);
  const text = await response.text();
  await failing.stop(0);
  expect([response.status, response.headers.get("content-type")]).toEqual([500, "application/problem+json"]);
  expect(text).not.toContain("secret");
  expect(told).toEqual([["Error: a secret", JSON.parse(text).request_id]]);
});

test("names the reason why it cannot listen, and the fix", () => {
  expect(addressError("EACCES", "::", 80)).toMatchObject({
    code: "CONFIG_PORT_FORBIDDEN",
    message: expect.stringContaining("may not listen on port 80 (EACCES). Set PORT"),
  });
  expect(addressError("EADDRINUSE", "::", 4318).code).toBe("CONFIG_PORT_IN_USE");
  expect(addressError("EADDRNOTAVAIL", "203.0.113.1", 4318)).toMatchObject({
    code: "CONFIG_ADDRESS",
    message: "Cannot listen on 203.0.113.1:4318 (EADDRNOTAVAIL). Check HOST and PORT.",
  });
});

test("names an address that this machine does not have, also an IPv6 one", () => {
  for (const host of ["203.0.113.1", "2001:db8::1"])
    expect(() => serve(new Hono(), { host, port: 0 })).toThrow(
      /^Cannot listen on .*\. Check HOST and PORT\.$/,
    );
});
