import { expect, test } from "bun:test";
import { PAGE_PATHS } from "@wharf/dashboard/served";
import { Hono } from "hono";
import { type Operation, operation, requireOperations, routesOf } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp();

const READ: Operation = {
  scopes: ["read"],
  tag: "Things",
  summary: "Get a thing",
  responses: { 200: null },
  example: { status: 200 },
};

const OPEN_TO_EVERYONE = [
  "GET /assets/:name",
  "GET /api/health",
  "GET /api/openapi.json",
  "GET /client/version",
  "GET /client/wharf.js",
  "GET /docs",
  "GET /health/live",
  "GET /health/ready",
  "GET /install.sh",
  "POST /api/devices/enrol",
  "POST /api/sign-in",
];

test("only the pages without data, health, enrolment, sign-in, the client and the API documents are public", () => {
  const open = routesOf(server.current().app).filter((route) => route.operation?.scopes.length === 0);
  const pages = PAGE_PATHS.map((path) => `GET ${path}`);
  expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    [...OPEN_TO_EVERYONE, ...pages].sort(),
  );
});

test("an app with a route without an operation is not built", () => {
  const app = new Hono<AppEnv>();
  app.get("/declared", operation(READ), (c) => c.text("ok"));
  expect(() => requireOperations(app)).not.toThrow();
  app.post("/forgotten", (c) => c.text("ok"));
  expect(() => requireOperations(app)).toThrow("POST /forgotten");
});

test("a mounted route keeps its operation", () => {
  const inner = new Hono<AppEnv>();
  inner.get("/:id", operation(READ), (c) => c.text("ok"));
  const app = new Hono<AppEnv>();
  app.route("/api/things", inner);
  expect(routesOf(app)).toEqual([{ method: "GET", path: "/api/things/:id", operation: READ }]);
});

test("every route refuses a request without a key, and one with a key of another scope", async () => {
  const keys: Record<string, string> = {};
  for (const scope of ["ingest", "read"]) {
    keys[scope] = (await server.request("POST", "/api/keys", { scope })).body.key;
  }
  for (const { method, path, operation } of routesOf(server.current().app)) {
    const { scopes } = operation ?? { scopes: [] };
    if (scopes.length === 0) continue;
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
