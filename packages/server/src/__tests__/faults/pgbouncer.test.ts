import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  createTestDatabase,
  hasPgBouncer,
  type PgBouncer,
  startPgBouncer,
  TEST_TIMEOUT_MS,
  type TestDatabase,
  until,
} from "@wharf/testkit";
import postgres from "postgres";
import { createPoolerCheck } from "../../db/pooler.ts";
import { seededRandom } from "../seeded-random.ts";
import { idsOf, resend, startFleet } from "./device-fleet.ts";
import { ADMIN_KEY, type ServerProcess, startServer, statusOf } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const LOOKS = 60;
const READS = [
  "/health/ready",
  "/api/health",
  "/api/sessions?limit=20",
  "/api/workspaces",
  "/api/devices",
  "/api/jobs",
  "/api/queues",
  "/api/search?q=bash",
  "/api/usage",
];

describe.skipIf(!hasPgBouncer)("behind PgBouncer in transaction mode, with its own defaults,", () => {
  let database: TestDatabase;
  let pooler: PgBouncer;
  let url: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pooler = await startPgBouncer(database.url);
    url = pooler.url(database.url);
  });
  afterAll(async () => {
    await pooler?.close();
    await database?.drop();
  });

  test("the pooler is found by the connection string, by the setting, or by a probe", async () => {
    expect(await createPoolerCheck(url, undefined)()).toEqual({ isPooled: true, foundBy: "probe" });
    const lenient = await startPgBouncer(database.url, { ignore_startup_parameters: "wharf.probe" });
    const check = createPoolerCheck(lenient.url(database.url), undefined);
    expect(await check()).toEqual({ isPooled: true, foundBy: "probe" });
    await lenient.close();
    expect(await createPoolerCheck(database.url, undefined)()).toEqual({ isPooled: false, foundBy: "probe" });
    expect(await createPoolerCheck(`${url}?pgbouncer=true`, undefined)()).toMatchObject({ isPooled: true });
    expect(await createPoolerCheck(url, false)()).toEqual({ isPooled: false, foundBy: "WHARF_PGBOUNCER" });
  });

  test("a probe that got no answer is repeated", async () => {
    const check = createPoolerCheck("postgres://u:p@127.0.0.1:1/x", undefined);
    await expect(check()).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await expect(check()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test.each([
    ["polling", () => ({ DATABASE_URL: url })],
    ["listen", () => ({ DATABASE_URL: url, DATABASE_DIRECT_URL: database.url })],
  ])(
    "two servers migrate, store each event once, read, and run jobs, by %s; others see no setting",
    async (notifications, environment) => {
      const servers = await Promise.all([startServer(environment()), startServer(environment())]);
      const first: ServerProcess = servers[0];
      for (const { program } of servers) {
        expect(program.stdout).toMatch(`"pooler":true,"found_by":"probe","notifications":"${notifications}"`);
        expect(program.stdout).not.toContain("slower ingest");
      }
      const before = await database.sql<{ n: number }[]>`SELECT count(*)::int AS n FROM events`;
      const fleets = servers.map((server) => startFleet(server.url, seededRandom()));
      const seen = await settingsOfOthers(url);
      await until(() => fleets.every(({ acknowledged }) => acknowledged.length >= 20));
      await Promise.all(fleets.map(({ stop }) => stop()));
      expect(fleets.flatMap(({ unacknowledged }) => unacknowledged)).toEqual([]);
      expect([...seen]).toEqual([]);

      const batches = fleets.flatMap(({ acknowledged }) => acknowledged);
      const again = await resend(first.url, batches.slice(0, 5));
      expect(again).toMatchObject({ ingested: 0, rejected: 0 });
      const stored = await database.sql<{ id: string }[]>`SELECT id FROM events`;
      const ids = new Set(stored.map(({ id }) => id));
      expect(idsOf(batches).filter((id) => !ids.has(id))).toEqual([]);
      expect(stored.length).toBe((before[0]?.n ?? 0) + idsOf(batches).length);

      for (const path of READS) expect([path, await statusOf(first.url, path)]).toEqual([path, 200]);
      expect(await timesOfASession(first.url)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      await expectJobsToRun(first.url);
      for (const { program } of servers) program.kill("SIGTERM");
      expect(await Promise.all(servers.map(({ program }) => program.exited))).toEqual([0, 0]);
      const locks = await database.sql`
      SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND d.datname = current_database()`;
      expect(locks).toHaveLength(0);
    },
  );
});

/** What another client of the same pool finds changed on the connections that it is lent, by name. */
async function settingsOfOthers(url: string): Promise<Set<string>> {
  const sql = postgres(url, {
    prepare: false,
    fetch_types: false,
    max: 4,
    connection: { application_name: "" },
  });
  const seen = new Set<string>();
  for (let look = 0; look < LOOKS; look++) {
    const rows = await sql<{ name: string }[]>`
      SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN ('client_encoding', 'application_name')
      UNION ALL SELECT 'listens to ' || pg_listening_channels()
      UNION ALL SELECT name FROM pg_prepared_statements`;
    for (const { name } of rows) seen.add(name);
  }
  await sql.end();
  return seen;
}

async function timesOfASession(server: string): Promise<string> {
  const response = await get(server, "/api/sessions?limit=1");
  return (response as { sessions: { updated_at: string }[] }).sessions[0]?.updated_at ?? "";
}

async function expectJobsToRun(server: string): Promise<void> {
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const response = await fetch(`${server}/api/jobs`, {
        method: "POST",
        headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ type: "resume-deletions", input: { due_ms: 0 } }),
      });
      return ((await response.json()) as { job: { id: string } }).job.id;
    }),
  );
  for (const id of ids) {
    const isDone = async () =>
      ((await get(server, `/api/jobs/${id}`)) as { job: { status: string } }).job.status === "completed";
    await until(isDone, { describe: `job ${id} is completed` });
  }
}

async function get(server: string, path: string): Promise<unknown> {
  const response = await fetch(`${server}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  return await response.json();
}
