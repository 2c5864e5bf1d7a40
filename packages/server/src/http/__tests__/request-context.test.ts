import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import pino from "pino";
import { openApp, setupApp } from "../../__tests__/setup-app.ts";
import { callerOf } from "../caller.ts";
import { routesOf } from "../operation.ts";
import type { AppEnv } from "../request-context.ts";

const server = setupApp();
afterEach(() => server.current().readiness.set("ready"));

describe.each(["starting", "draining"] as const)("a server that is %s", (phase) => {
  beforeEach(() => server.current().readiness.set(phase));

  test("serves its health and its API document, 404 for unknown paths, and 503 for other routes", async () => {
    for (const path of ["/health/live", "/api/health", "/docs", "/api/openapi.json"])
      expect([path, (await server.request("GET", path)).status]).toEqual([path, 200]);
    expect((await server.request("GET", "/api/nothing")).status).toBe(404);
    for (const { method, path, operation } of routesOf(server.current().app)) {
      const needsDatabase = path === "/api/devices/enrol" || path === "/api/sign-in";
      if (operation?.scopes.length === 0 && !needsDatabase) continue;
      const { status, headers } = await server.request(method, path.replaceAll(/:\w+/g, "x"), {});
      expect([method, path, status, headers.get("retry-after")]).toEqual([method, path, 503, "1"]);
    }
  });

  test("lets pages of a named origin read its refusal", async () => {
    const { url } = server;
    const opened = await openApp(url, { environment: { WHARF_CORS_ORIGINS: "https://page.example" } });
    opened.readiness.set(phase);
    const asked = { origin: "https://page.example", "access-control-request-method": "POST" };
    const preflight = await opened.app.request("/api/events", { method: "OPTIONS", headers: asked });
    expect(preflight.status).toBe(204);
    const refused = await opened.app.request("/api/events", { method: "POST", headers: asked });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("access-control-allow-origin")).toBe("https://page.example");
    expect(refused.headers.get("access-control-expose-headers")).toContain("Retry-After");
    await opened.drain();
  });
});

test("a refusal has a request id, is counted and has security headers", async () => {
  const { readiness, metrics } = server.current();
  const counted = () => metrics.httpRequests.total("GET", "/api/sessions", "503");
  const before = counted();
  readiness.set("draining");
  const sent = { "x-request-id": "refused-request" };
  const { headers, body } = await server.request("GET", "/api/sessions?q=1", undefined, sent);
  expect(body).toMatchObject({ request_id: "refused-request", instance: "/api/sessions" });
  expect(headers.get("x-request-id")).toBe("refused-request");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(counted()).toBe(before + 1);
});

test("preflights without a key are sampled in the log", async () => {
  const lines: string[] = [];
  const logger = pino({ level: "info" }, { write: (line) => lines.push(line) });
  const { app, drain } = await openApp(server.url, {
    environment: { WHARF_CORS_ORIGINS: "https://page.example" },
    logger,
  });
  const headers = { origin: "https://page.example", "access-control-request-method": "POST" };
  for (let n = 0; n < 100; n++) await app.request("/api/events", { method: "OPTIONS", headers });
  await drain();
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThan(100);
});

test("concurrent requests keep their own ids", async () => {
  const ids = Array.from({ length: 50 }, (_, n) => `request-number-${n}`);
  const answers = await Promise.all(
    ids.map((id) => server.request("GET", "/api/nothing", undefined, { "x-request-id": id })),
  );
  expect(answers.map(({ body }) => body.request_id)).toEqual(ids);
  expect(answers.map(({ headers }) => headers.get("x-request-id"))).toEqual(ids);
});

test("callerOf throws in a public route", async () => {
  const app = new Hono<AppEnv>();
  app.get("/", (c) => c.json(callerOf(c)));
  const errors: Error[] = [];
  app.onError((error, c) => {
    errors.push(error);
    return c.text("failed", 500);
  });
  await app.request("/");
  expect(errors).toEqual([new Error("callerOf needs a route with a scope")]);
});
