import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { createTcpProxy, createTestDatabase, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { migratePhases } from "../../db/phases.ts";
import { type HttpServer, serve } from "../../http/serve.ts";
import { anEvent } from "../../ingest/__tests__/event-factory.ts";
import { seededRandom } from "../seeded-random.ts";
import { openApp } from "../setup-app.ts";
import { idsOf, startFleet } from "./device-fleet.ts";
import { ADMIN_KEY, postEvents, spawnServer, startServer, statusOf } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const cleanUp: (() => Promise<unknown>)[] = [];
const DEADLINE_MS = 400;
/** Of each of three servers. */
const BATCHES = 30;

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** A listening app with short limits, on the database behind a proxy. */
async function setup() {
  const { hostname, port } = new URL(database.url);
  const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
  const server = await openApp(proxy.url(database.url), {
    limits: { statement_deadline_ms: DEADLINE_MS, body_receive_ms: DEADLINE_MS },
  });
  const http: HttpServer = serve(server.app, { host: "127.0.0.1", port: 0 });
  cleanUp.push(proxy.close, server.drain, () => http.stop(0));
  return { proxy, port: http.port, url: `http://127.0.0.1:${http.port}` };
}

test("a database in a black hole: 503 by the deadline, again and again, and service as soon as it is out", async () => {
  const { proxy, url } = await setup();
  expect((await postEvents(url, [anEvent()]))?.status).toBe(202);
  const held = anEvent();
  proxy.pause();
  for (const event of [held, anEvent(), held]) {
    const startedAt = performance.now();
    expect(await postEvents(url, [event])).toMatchObject({ status: 503, retryAfter: "1" });
    expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS * 4);
  }
  proxy.resume();
  await until(async () => (await postEvents(url, [held]))?.status === 202);
  expect(await database.sql`SELECT 1 FROM events WHERE id = ${held.id}`).toHaveLength(1);
});

test("a database that accepts and closes: 503 at once, and service as soon as it is back", async () => {
  const { proxy, url } = await setup();
  proxy.refuse();
  proxy.cut();
  expect(await postEvents(url, [anEvent()])).toMatchObject({ status: 503, retryAfter: "1" });
  proxy.accept();
  await until(async () => (await postEvents(url, [anEvent()]))?.status === 202);
});

test.each([
  ["of a declared length", "Content-Length: 1000\r\n\r\n{"],
  ["in chunks", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"],
])("a sender that stops in the middle of a body %s is answered with 408 and closed", async (_, rest) => {
  const { port } = await setup();
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const headers = "Host: x\r\nAuthorization: Bearer wharf_admin_KEY\r\nContent-Type: application/json\r\n";
  socket.write(
    `POST /api/events HTTP/1.1\r\n${headers.replace("wharf_admin_KEY", `wharf_admin_${"k".repeat(43)}`)}${rest}`,
  );
  await until(() => received.includes("BODY_TOO_SLOW"));
  expect(received).toStartWith("HTTP/1.1 408");
  await closed;
});

test("a body that declares less than it sends, or a wrong length, affects no other request", async () => {
  const { port, url } = await setup();
  for (const length of ["-1", "abc", "99999999999999999999"]) {
    const socket = connect(port, "127.0.0.1");
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.write(`POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n{}`);
    socket.once("data", () => socket.destroy());
    await closed;
  }
  expect((await postEvents(url, [anEvent()]))?.status).toBe(202);
});

/** A database of a role that may have so many connections. */
async function databaseWithLimit(limit: number) {
  const fresh = await createTestDatabase();
  const role = `wharf_few_${crypto.randomUUID().slice(0, 8)}`;
  const url = new URL(fresh.url);
  const name = url.pathname.slice(1);
  await fresh.sql.unsafe(`
    CREATE ROLE ${role} LOGIN PASSWORD 'few' CONNECTION LIMIT ${limit};
    GRANT SET ON PARAMETER session_replication_role TO ${role};
    ALTER DATABASE "${name}" OWNER TO ${role}; ALTER SCHEMA public OWNER TO ${role}`);
  url.username = role;
  url.password = "few";
  cleanUp.push(async () => {
    await fresh.sql.unsafe(
      `ALTER DATABASE "${name}" OWNER TO CURRENT_USER; DROP OWNED BY ${role}; DROP ROLE ${role}`,
    );
    await fresh.drop();
  });
  return { url: url.href, sql: fresh.sql };
}

test("a server that Postgres refuses most of its connections serves with those that it has, and logs it once", async () => {
  const { url, sql } = await databaseWithLimit(10);
  const server = await startServer({ DATABASE_URL: url });
  cleanUp.push(async () => {
    server.program.kill("SIGKILL");
    await server.program.exited;
  });
  const statuses = await Promise.all(
    Array.from({ length: 60 }, async (_, index) =>
      index % 3 === 0
        ? (await postEvents(server.url, [anEvent()]))?.status
        : statusOf(server.url, index % 3 === 1 ? "/api/sessions" : "/health/ready"),
    ),
  );
  expect(new Set(statuses)).toEqual(new Set([200, 202]));
  expect(server.program.stdout.match(/refused a connection \(53300\)/g)).toHaveLength(1);
  expect([...(await sql`SELECT count(*)::int AS stored FROM events`)]).toEqual([{ stored: 20 }]);
});

async function appendTranscript(server: string, session_id: string): Promise<number> {
  const message = { role: "user", content: "How many connections are there?" };
  const line = { uuid: `${session_id}-1`, type: "user", sessionId: session_id, message };
  const file = "agent=claude-code&device_id=device-1&file=main.jsonl&offset=0";
  const response = await fetch(`${server}/api/sessions/${session_id}/transcript/append?${file}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    body: `${JSON.stringify({ ...line, timestamp: "2026-03-01T10:00:00Z", cwd: "/work" })}\n`,
  });
  return response.status;
}

test("three servers share the 17 connections that max_connections = 20 leaves, without an error", async () => {
  const { url, sql } = await databaseWithLimit(17);
  const variables = { DATABASE_URL: url, WHARF_DB_CONNECTIONS: "6" };
  const first = await startServer(variables);
  const servers = [first, ...(await Promise.all([startServer(variables), startServer(variables)]))];
  cleanUp.push(async () => {
    for (const { program } of servers) program.kill("SIGKILL");
    await Promise.all(servers.map(({ program }) => program.exited));
  });
  const fleets = servers.map(({ url: server }) => startFleet(server, seededRandom()));
  const statuses = new Set<number>();
  for (const [n, server] of servers.entries())
    statuses.add(await appendTranscript(server.url, `parsed-${n}`));
  const parsed = () =>
    sql`SELECT DISTINCT session_id FROM transcript_messages WHERE session_id LIKE 'parsed-%'`;
  const isDone = () => fleets.every(({ acknowledged }) => acknowledged.length >= BATCHES);
  do {
    const paths = ["/api/sessions", "/api/usage", "/health/ready", "/api/jobs"];
    const asked = servers.flatMap((server) => paths.map((path) => statusOf(server.url, path)));
    for (const status of await Promise.all(asked)) statuses.add(status);
  } while (!isDone());
  await Promise.all(fleets.map(({ stop }) => stop()));
  await until(async () => (await parsed()).length === servers.length);
  expect([...statuses].toSorted()).toEqual([200, 202]);
  expect(fleets.flatMap(({ unacknowledged }) => unacknowledged)).toEqual([]);
  const stored = await sql<{ id: string }[]>`SELECT id FROM events`;
  const sent = fleets.flatMap(({ acknowledged }) => idsOf(acknowledged));
  expect(stored.map(({ id }) => id).toSorted()).toEqual(sent.toSorted());
  for (const { program } of servers) program.kill("SIGTERM");
  expect(await Promise.all(servers.map(({ program }) => program.exited))).toEqual([0, 0, 0]);
  for (const { program } of servers) expect(program.stdout).not.toContain("refused a connection");
});

test("a server with too few connections to start names how many it needs", async () => {
  const { url } = await databaseWithLimit(3);
  const program = spawnServer({ DATABASE_URL: url, WHARF_DATABASE_WAIT_S: "1" });
  cleanUp.push(async () => program.kill("SIGKILL"));
  expect(await program.exited).toBe(1);
  expect(program.stderr).toMatch(/did not start: .*\(53300\): a process needs at least 6/);
});
