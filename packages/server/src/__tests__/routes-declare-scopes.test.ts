import { expect, test } from "bun:test";
import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { requireDeclaredScopes, requireScope, routeScopes } from "../http/scopes.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp();

const OPEN_TO_EVERYONE = [
  "GET /",
  "GET /api/health",
  "GET /api/openapi.json",
  "GET /docs",
  "GET /health/live",
  "GET /health/ready",
  "POST /api/devices/enrol",
];

test("every route declares its scope", () => {
  const undeclared = routeScopes(server.current().app).filter((route) => route.scopes === null);
  expect(undeclared).toEqual([]);
});

test("no route but the first page, health, enrolment and the API's document is open to everyone", () => {
  const open = routeScopes(server.current().app).filter((route) => route.scopes?.length === 0);
  expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(OPEN_TO_EVERYONE);
});

test("an app with a route that declares nothing is not built", () => {
  const app = new Hono<AppEnv>();
  app.get("/declared", requireScope("read"), (c) => c.text("ok"));
  expect(() => requireDeclaredScopes(app)).not.toThrow();
  app.post("/forgotten", (c) => c.text("ok"));
  expect(() => requireDeclaredScopes(app)).toThrow("POST /forgotten");
});

test("a mounted route keeps its declaration", () => {
  const inner = new Hono<AppEnv>();
  inner.get("/:id", requireScope("ingest", "read"), (c) => c.text("ok"));
  const app = new Hono<AppEnv>();
  app.route("/api/things", inner);
  expect(routeScopes(app)).toEqual([{ method: "GET", path: "/api/things/:id", scopes: ["ingest", "read"] }]);
});

test("every route refuses a request without a key, and one with a key of another scope", async () => {
  const keys: Record<string, string> = {};
  for (const scope of ["ingest", "read"]) {
    keys[scope] = (await server.request("POST", "/api/keys", { scope })).body.key;
  }
  for (const { method, path, scopes } of routeScopes(server.current().app)) {
    if (scopes === null || scopes.length === 0) continue;
    const url = path.replaceAll(/:\w+/g, "x");
    const bare = await server.request(method, url, undefined, { authorization: "" });
    expect([method, path, bare.status]).toEqual([method, path, 401]);
    for (const [scope, key] of Object.entries(keys)) {
      const { status } = await server.request(method, url, undefined, { authorization: `Bearer ${key}` });
      const isAllowed = scopes.some((allowed) => allowed === scope);
      expect([method, path, scope, status === 403]).toEqual([method, path, scope, !isAllowed]);
    }
  }
});
