import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createTcpProxy, findLockWaits, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import pino from "pino";
import { openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import { start, toolUse } from "../../ingest/__tests__/event-factory.ts";
import { retryProjections } from "../../ingest/retry-projections.ts";
import { seededRandom } from "../seeded-random.ts";
import { idsOf, resend, startFleet } from "./device-fleet.ts";
import { postEvents, type ServerProcess, startServer } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const servers: ServerProcess[] = [];
const cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const { program } of servers.splice(0)) program.kill("SIGKILL");
  for (const undo of cleanUp.splice(0)) await undo();
});

async function launch(url = database.url): Promise<ServerProcess> {
  const server = await startServer({ DATABASE_URL: url });
  servers.push(server);
  return server;
}

async function storedIds(): Promise<string[]> {
  return (await database.sql<{ id: string }[]>`SELECT id FROM events`).map(({ id }) => id);
}

/** The last statements of a killed server run to their end: they may still commit, or hold rows locked. */
async function backendsEnd(): Promise<void> {
  const backends = () => database.sql`
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'wharf-%'`;
  await until(async () => (await backends()).length === 0);
}

async function projectedRows() {
  const sessions = await database.sql`
    SELECT id, lifecycle, workspace_id, device_id, started_at, ended_at, model, source, metadata FROM sessions ORDER BY id`;
  const git = await database.sql`
    SELECT g.id, g.session_id, m.session_id AS matched, m.grade
    FROM git_activity g LEFT JOIN git_matches m ON m.git_activity_id = g.id ORDER BY g.id, m.session_id`;
  return { sessions: [...sessions], git: [...git] };
}

/** Projects every event once more, which changes something only where something was left out. */
async function expectAllProjected(): Promise<void> {
  expect([...(await database.sql`SELECT id FROM projection_queue`)]).toEqual([]);
  const before = await projectedRows();
  await database.sql`INSERT INTO projection_queue (event_ids, next_retry_at) SELECT array_agg(id), now() FROM events`;
  const again = openDatabase(database.url, { deadlineMs: 60_000, max: 1 });
  await retryProjections(again, pino({ level: "silent" }), { age_s: 0 });
  await again.close();
  expect(await projectedRows()).toEqual(before);
}

/** Holds what every flush needs, so that it waits inside the database until `release`. */
async function holdFlushes() {
  const holder = await database.sql.reserve();
  await holder`BEGIN`;
  await holder`LOCK TABLE change_log IN EXCLUSIVE MODE`;
  return {
    waiting: () => until(async () => (await findLockWaits(database.sql)).length > 0),
    release: async () => {
      await holder`COMMIT`;
      holder.release();
    },
  };
}

test("a server killed in the middle of batches has lost nothing that it acknowledged, and what is sent again is stored once", async () => {
  const first = await launch();
  const fleet = startFleet(first.url, seededRandom());
  await until(() => fleet.acknowledged.length >= 60);
  first.program.kill("SIGKILL");
  await first.program.exited;
  await fleet.stop();
  await backendsEnd();
  expect(fleet.unacknowledged.length).toBeGreaterThan(0);

  const afterKill = new Set(await storedIds());
  expect(idsOf(fleet.acknowledged).filter((id) => !afterKill.has(id))).toEqual([]);

  const second = await launch();
  await expectAllProjected();
  const again = await resend(second.url, [...fleet.unacknowledged, ...fleet.acknowledged.slice(0, 5)]);
  const all = idsOf([...fleet.acknowledged, ...fleet.unacknowledged]);
  expect((await storedIds()).sort()).toEqual(all.sort());
  expect(again.rejected).toBe(0);
  expect(again.ingested).toBe(all.length - afterKill.size);
  await until(async () => (await database.sql`SELECT FROM projection_queue`).length === 0);
  const [activity] = await database.sql<{ missing: number }[]>`
    SELECT count(*)::int AS missing FROM events e WHERE type = 'git.commit'
      AND NOT EXISTS (SELECT FROM git_activity g WHERE g.id = e.id)`;
  expect(activity?.missing).toBe(0);
});

describe("the response was lost after the commit", () => {
  test("because the client went away: the commit that had begun is completed, and a repeat says duplicate", async () => {
    const server = await launch();
    const proxy = await createTcpProxy({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
    cleanUp.push(proxy.close);
    const batch = [start("lost-1", 0), toolUse("lost-1", 1)];
    await until(async () => (await database.sql`SELECT 1 FROM projection_queue`).length === 0);
    const held = await holdFlushes();
    const sending = postEvents(`http://127.0.0.1:${proxy.port}`, batch);
    await held.waiting();
    proxy.cut();
    expect(await sending).toBeNull();
    await held.release();
    await until(
      async () => (await database.sql`SELECT 1 FROM events WHERE session_id = 'lost-1'`).length === 2,
    );
    expect((await postEvents(server.url, batch))?.body).toMatchObject({ ingested: 0, duplicates: 2 });
  });

  test("between the database and the server: 503 meanwhile, and a repeat says duplicate", async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
    cleanUp.push(proxy.close);
    const server = await launch(proxy.url(database.url));
    const batch = [start("lost-2", 0), toolUse("lost-2", 1)];
    // On both of its connections: a statement that is new to one is only being prepared while its tables are held.
    const prepare = (n: number) => postEvents(server.url, [start(`known-${n}`, 0), toolUse(`known-${n}`, 1)]);
    for (let n = 0; n < 4; n++) expect((await prepare(n))?.status).toBe(202);
    // Else what is still to be projected waits for the lock instead of the flush.
    await until(async () => (await database.sql`SELECT 1 FROM projection_queue`).length === 0);
    const held = await holdFlushes();
    const sending = postEvents(server.url, batch);
    await held.waiting();
    proxy.cut();
    expect(await sending).toMatchObject({ status: 503, retryAfter: "1" });
    await held.release();
    await until(
      async () => (await database.sql`SELECT 1 FROM events WHERE session_id = 'lost-2'`).length === 2,
    );
    expect((await postEvents(server.url, batch))?.body).toMatchObject({ ingested: 0, duplicates: 2 });
  });
});
