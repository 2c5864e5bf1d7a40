import { expect, test } from "bun:test";
import { routesOf } from "../http/operation.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp({ environment: { WHARF_ROLE: "worker" } });

test("a worker serves its health and its metrics, and nothing else", async () => {
  const { app } = server.current();
  const names = routesOf(app).map(({ method, path }) => `${method} ${path}`);
  expect(names.sort()).toEqual(["GET /health/live", "GET /health/ready", "GET /metrics"]);
  const headers = { authorization: `Bearer ${server.key}` };
  const statusOf = async (path: string) => (await app.request(path, { headers })).status;
  expect([
    await statusOf("/health/live"),
    await statusOf("/health/ready"),
    await statusOf("/metrics"),
  ]).toEqual([200, 200, 200]);
  expect([await statusOf("/api/sessions"), await statusOf("/docs")]).toEqual([404, 404]);
});

test("a worker's metrics need a key", async () => {
  expect((await server.current().app.request("/metrics")).status).toBe(401);
});
