import { afterAll, beforeAll, expect, test } from "bun:test";
import pino from "pino";
import { createWorkerApp } from "../app.ts";
import { createHealthProbe, type HealthProbe } from "../db/health-probe.ts";
import { routesOf } from "../http/operation.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { setupApp } from "./setup-app.ts";

const server = setupApp();
let health: HealthProbe;
beforeAll(() => {
  health = createHealthProbe(server.url);
});
afterAll(() => health.close());

function workerApp() {
  const { access, metrics, readiness } = server.current();
  const logger = pino({ level: "silent" });
  const limits = DEFAULT_LIMITS;
  return createWorkerApp({
    access,
    metrics,
    readiness,
    health,
    logger,
    limits,
    trustedProxies: 0,
    corsOrigins: [],
  });
}

test("a worker serves its health and its metrics, and nothing else", async () => {
  const app = workerApp();
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
  expect((await workerApp().request("/metrics")).status).toBe(401);
});
