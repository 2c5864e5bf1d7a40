import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { createTcpProxy, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { DRAIN_MAX_MS } from "../../boot.ts";
import { migratePhases } from "../../db/phases.ts";
import { startServer, statusOf } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

test("a server whose connections all lead nowhere still drains in time and exits with 0", async () => {
  const { hostname, port } = new URL(database.url);
  const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
  const server = await startServer({ DATABASE_URL: proxy.url(database.url) });
  cleanUp.push(proxy.close, () => server.program.kill("SIGKILL"));
  await until(async () => (await statusOf(server.url, "/health/ready")) === 200);
  proxy.pause();
  // The engine has claims and leases under way by now, none of which is answered.
  await until(async () => (await statusOf(server.url, "/health/ready")) === 503);
  const startedAt = performance.now();
  server.program.kill("SIGTERM");
  expect(await server.program.exited).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(DRAIN_MAX_MS);
});
