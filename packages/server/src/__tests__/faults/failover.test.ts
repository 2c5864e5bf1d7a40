import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import postgres from "postgres";
import { openDatabase } from "../../db/database.ts";
import { createHealthProbe } from "../../db/health-probe.ts";
import { withReplica } from "../../db/replica.ts";
import { anEvent } from "../../ingest/__tests__/event-factory.ts";
import { seededRandom } from "../seeded-random.ts";
import { idsOf, resend, startFleet } from "./device-fleet.ts";
import { type ReplicatedPostgres, startReplicatedPostgres } from "./own-postgres.ts";
import { expectCaughtUp } from "./recount.ts";
import { ADMIN_KEY, postEvents, type ServerProcess, startServer, statusOf } from "./server-process.ts";

setDefaultTimeout(2 * TEST_TIMEOUT_MS);

// One cluster for all tests: the last one fails over.
let cluster: ReplicatedPostgres;
let admin: postgres.Sql;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  cluster = await startReplicatedPostgres({ synchronous: false });
  admin = postgres(cluster.primary.url, { max: 1, connection: { default_transaction_read_only: false } });
});
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});
afterAll(async () => {
  await admin.end({ timeout: 0 });
  await cluster.remove();
});

async function launch(url: string, variables: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServer({ DATABASE_URL: url, ...variables });
  cleanUp.push(() => server.program.kill("SIGKILL"));
  return server;
}

async function configure(name: string, value: string): Promise<void> {
  await admin.unsafe(`ALTER SYSTEM SET ${name} = '${value}'`);
  await admin`SELECT pg_reload_conf()`;
}

async function healthOf(url: string) {
  const response = await fetch(`${url}/api/health`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  return (await response.json()) as { status: string; checks: { db: { replication?: object } } };
}

test("a server that is left on a standby is not ready, and replaces its connections until it can write", async () => {
  const { primary, standby } = cluster;
  const server = await launch(primary.url);
  expect((await healthOf(server.url)).checks.db.replication).toEqual({ mode: "asynchronous", standbys: 1 });

  const probe = createHealthProbe(standby.url);
  cleanUp.push(probe.close);
  expect(await probe.check()).toMatchObject({ ok: false, error: expect.stringMatching(/read-only/) });
  const pool = openDatabase(standby.url, { max: 1, deadlineMs: 10_000 });
  cleanUp.push(pool.close);
  const backend = async () =>
    (await pool.run((sql) => sql<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`))[0]?.pid;
  const first = await backend();
  await expect(pool.run((sql) => sql`DELETE FROM sessions`)).rejects.toMatchObject({ code: "25006" });
  expect(await backend()).not.toBe(first);

  await configure("default_transaction_read_only", "on");
  await until(async () => (await statusOf(server.url, "/health/ready")) === 503);
  expect((await postEvents(server.url, [anEvent()]))?.status).toBe(503);
  await configure("default_transaction_read_only", "off");
  await until(async () => (await postEvents(server.url, [anEvent()]))?.status === 202);
  await until(async () => (await statusOf(server.url, "/health/ready")) === 200);
});

test("reads by a replica show what was written before, also when it is behind or unavailable", async () => {
  const { primary, standby } = cluster;
  const server = await launch(primary.url, { READ_DATABASE_URL: standby.url });
  const replica = postgres(standby.url, { max: 1 });
  const expectOwnWrites = async (times: number) => {
    for (let time = 0; time < times; time++) {
      const session_id = crypto.randomUUID();
      const event = anEvent({ session_id, data: { session_id } });
      expect((await postEvents(server.url, [event]))?.status).toBe(202);
      expect(await statusOf(server.url, `/api/sessions/${session_id}`)).toBe(200);
    }
  };
  const isRead = async () => {
    await expectOwnWrites(1);
    const readers = await replica`
      SELECT FROM pg_stat_activity WHERE application_name = 'wharf-replica' AND query LIKE '%session_id%'`;
    return readers.length > 0;
  };
  await until(isRead, { describe: "the replica is read" });
  await replica`SELECT pg_wal_replay_pause()`;
  const isPaused = () => replica`SELECT WHERE pg_get_wal_replay_pause_state() = 'paused'`;
  await until(async () => (await isPaused()).length === 1);
  const sessions = await replica`SELECT id FROM sessions`;
  await expectOwnWrites(2);
  expect([...(await replica`SELECT id FROM sessions`)]).toEqual([...sessions]);
  await replica`SELECT pg_wal_replay_resume()`;
  await replica.end({ timeout: 0 });
  await standby.crash();
  await expectOwnWrites(2);
  await standby.restart();
});

test("a read that takes too long is ended on the replica, and not repeated by the primary", async () => {
  const settings = { max: 1, deadlineMs: 10_000, statementTimeoutMs: 500 };
  const primary = openDatabase(cluster.primary.url, settings);
  const reads = withReplica(primary, openDatabase(cluster.standby.url, settings));
  cleanUp.push(reads.close);
  const servers: boolean[] = [];
  const sleep = reads.run(async (sql) => {
    const [server] = await sql<{ is_standby: boolean }[]>`SELECT pg_is_in_recovery() AS is_standby`;
    servers.push(server?.is_standby ?? false);
    await sql`SELECT pg_sleep(60)`;
  });
  await expect(sleep).rejects.toMatchObject({ code: "57014" });
  expect(servers).toEqual([true]);
});

test("a synchronous standby that is unavailable stops ingest, which continues as soon as it is back", async () => {
  const { primary, standby } = cluster;
  const server = await launch(primary.url, { WHARF_LIMIT_STATEMENT_DEADLINE_MS: "1000" });
  await configure("synchronous_standby_names", "*");
  await standby.crash();
  await until(async () => (await healthOf(server.url)).status === "degraded");
  const event = anEvent();
  expect([503, 504]).toContain((await postEvents(server.url, [event]))?.status ?? 0);
  expect(await statusOf(server.url, "/api/sessions")).toBe(200);
  await standby.restart();
  await until(async () => (await postEvents(server.url, [event]))?.status === 202);
  expect(await admin`SELECT FROM events WHERE id = ${event.id}`).toHaveLength(1);
  await expectCaughtUp(admin);
});

test("with read-write and the standby first, the primary is found, and after its loss the promoted standby, with all that was acknowledged", async () => {
  const { primary, standby, url, failOver } = cluster;
  const before = (await admin<{ id: string }[]>`SELECT id FROM events`).map(({ id }) => id);
  const server = await launch(url(standby, primary, "?target_session_attrs=read-write"));
  expect((await healthOf(server.url)).checks.db.replication).toEqual({ mode: "synchronous", standbys: 1 });

  const fleet = startFleet(server.url, seededRandom());
  await until(() => fleet.acknowledged.length >= 40);
  await failOver();
  const atFailover = fleet.acknowledged.length;
  await until(() => fleet.acknowledged.length >= atFailover + 20);
  await fleet.stop();
  // None where the requests waited for the promoted standby.
  await resend(server.url, fleet.unacknowledged);

  const sql = postgres(standby.url, { max: 1 });
  cleanUp.push(() => sql.end({ timeout: 0 }));
  const stored = (await sql<{ id: string }[]>`SELECT id FROM events`).map(({ id }) => id);
  const sent = idsOf([...fleet.acknowledged, ...fleet.unacknowledged]);
  expect(stored.sort()).toEqual([...before, ...sent].sort());
  await expectCaughtUp(sql);
  expect((await healthOf(server.url)).checks.db.replication).toMatchObject({ standbys: 0 });
});
