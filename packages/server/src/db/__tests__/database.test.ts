import { describe, expect, test } from "bun:test";
import { createTcpProxy, until, useTestDatabase } from "@wharf/testkit";
import { openDatabase } from "../database.ts";

const testDatabase = useTestDatabase();
const DEADLINE_MS = 300;

async function openThroughProxy(max = 2) {
  const { hostname, port } = new URL(testDatabase.url);
  const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
  const database = openDatabase(proxy.url(testDatabase.url), { max, deadlineMs: DEADLINE_MS });
  const answer = () => database.run((sql) => sql<{ one: number }[]>`SELECT 1 AS one`);
  const close = async () => {
    await database.close();
    await proxy.close();
  };
  return { proxy, database, answer, close };
}

describe("a database that turned into a black hole", () => {
  test("fails each query at its deadline, and answers again when it is back", async () => {
    const { proxy, answer, close } = await openThroughProxy();
    await answer();
    proxy.pause();
    const startedAt = performance.now();
    const results = await Promise.allSettled([answer(), answer(), answer()]);
    expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + 1_000);
    for (const result of results) expect(result.status).toBe("rejected");
    expect(results[0]).toMatchObject({ reason: { code: "STORAGE_TIMEOUT" } });
    proxy.resume();
    await until(() => answer().catch(() => undefined));
    await close();
  });
});

describe("after a deadline has passed", () => {
  test("the next query goes over a new connection, though the old one still looks open", async () => {
    const { proxy, answer, close } = await openThroughProxy(1);
    await answer();
    expect(proxy.connections).toBe(1);
    proxy.pause();
    await expect(answer()).rejects.toMatchObject({ code: "STORAGE_TIMEOUT" });
    const next = Promise.allSettled([answer()]);
    await until(() => proxy.connections === 2);
    await next;
    proxy.resume();
    await close();
  });
});

describe("a query that fails for a reason of its own", () => {
  test("keeps the pool, and tells that reason", async () => {
    const { proxy, database, answer, close } = await openThroughProxy();
    await answer();
    const connections = proxy.connections;
    const failing = database.run((sql) => sql`SELECT 1 / 0`);
    await expect(failing).rejects.toMatchObject({ code: "22012" });
    await answer();
    expect(proxy.connections).toBe(connections);
    await close();
  });
});
