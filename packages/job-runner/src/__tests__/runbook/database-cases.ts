import { expect } from "bun:test";
import { createTestDatabase, until } from "@wharf/testkit";
import postgres, { type Sql } from "postgres";
import { storableJson as json } from "../../contract/storable-json.ts";
import { MIGRATION_LOCK_KEY } from "../../stores/migration-ledger.ts";
import { migrateJobs } from "../../stores/postgres/migrate-jobs.ts";
import { createPostgresDriver } from "../../stores/postgres/postgres.ts";
import type { Cases } from "./page.ts";
import { completed, dead, queued, running } from "./situations.ts";

/** A separate connection that is always closed. */
async function withConnection(url: string, work: (sql: Sql, pid: number) => Promise<void>): Promise<void> {
  const sql = postgres(url, {
    max: 1,
    onnotice: () => undefined,
    connection: { application_name: "runbook" },
  });
  try {
    const [row] = await sql`SELECT pg_backend_pid() AS pid`;
    await work(sql, row?.["pid"]);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** What the runbook asks Postgres itself, and what it does to whole databases. */
export const databaseCases: Cases = {
  "Write access and free connections": [
    "is true for a primary with free space",
    async ({ run }) => {
      const [row] = await run();
      expect(row).toMatchObject({ is_standby: false, read_only: "off" });
      expect(Number(row?.["connections_left"])).toBeGreaterThan(0);
    },
  ],
  "Connections by application": [
    "counts connections by program",
    ({ url, run }) =>
      withConnection(url, async () => {
        expect(await run()).toContainEqual(
          expect.objectContaining({ application_name: "runbook", connections: "1" }),
        );
      }),
  ],
  "Running statements, longest first": [
    "shows an idle transaction, and not itself",
    ({ url, run }) =>
      withConnection(url, async (sql, pid) => {
        await sql`BEGIN`;
        const rows = await run();
        expect(rows).toMatchObject([{ pid, application_name: "runbook", state: "idle in transaction" }]);
      }),
  ],
  "Blocked connections and their blockers": [
    "names the waiting statement and the transaction that holds its lock",
    async ({ url, sql, driver, run }) => {
      const id = await queued(driver);
      await withConnection(url, async (holder, pid) => {
        await holder`BEGIN`;
        await holder`SELECT FROM jobs WHERE id = ${id} FOR UPDATE`;
        const waiting = sql`UPDATE jobs SET priority = 1 WHERE id = ${id}`.execute();
        const rows = await until(async () => (await run()).map((row) => ({ ...row })).slice(0, 1)[0]);
        expect(rows).toMatchObject({
          holder_pid: pid,
          holder: "runbook",
          holder_state: "idle in transaction",
        });
        await holder`ROLLBACK`;
        await waiting;
        expect(await run()).toEqual([]);
      });
    },
  ],
  "Ungranted locks on the engine's tables": [
    "shows the waiters of the table",
    ({ url, sql, run }) =>
      withConnection(url, async (holder) => {
        await holder`BEGIN`;
        await holder`LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE`;
        const waiting = sql`SELECT FROM jobs`.execute();
        const row = await until(async () => (await run()).find(({ locktype }) => locktype === "relation"));
        expect(row).toMatchObject({ table: "jobs", mode: "AccessShareLock" });
        await holder`ROLLBACK`;
        await waiting;
      }),
  ],
  "Transactions that hold back vacuum": [
    "names none that has only begun, and an old one by its connection",
    ({ url, sql, text }) =>
      withConnection(url, async (holder, pid) => {
        await holder`BEGIN ISOLATION LEVEL REPEATABLE READ`;
        await holder`SELECT 1`;
        expect(await sql.unsafe(text())).toHaveLength(0);
        const rows = await sql.unsafe(text().replace("5 minutes", "0 minutes"));
        // Transactions of other databases are shown, too.
        const ours = rows.filter((row) => row["pid"] === pid);
        expect(ours).toMatchObject([{ application_name: "runbook", state: "idle in transaction" }]);
        await holder`ROLLBACK`;
      }),
  ],
  "Terminate a connection": [
    "ends that one",
    ({ url, run, sql }) =>
      withConnection(url, async (_, pid) => {
        expect(await run({ pid: String(pid) })).toMatchObject([{ pg_terminate_backend: true }]);
        const backends = () => sql`SELECT FROM pg_stat_activity WHERE pid = ${pid}`;
        await until(async () => (await backends()).length === 0);
      }),
  ],
  "Dead rows of the table jobs": [
    "shows the table's figures",
    async ({ run }) => {
      expect(await run()).toMatchObject([{ n_dead_tup: expect.any(String) }]);
    },
  ],
  "Vacuum the table jobs": [
    "runs outside of a transaction and does not change jobs",
    async ({ driver, run }) => {
      const id = await queued(driver);
      await run();
      expect((await driver.get(id))?.status).toBe("queued");
    },
  ],
  "Granted and waiting advisory locks": [
    "shows the holders of keys, only of this database",
    ({ url, run }) =>
      withConnection(url, async (holder, pid) => {
        expect(await run()).toEqual([]);
        await holder`SELECT pg_advisory_lock(7000000042)`;
        expect(await run()).toMatchObject([{ pid, key: "7000000042", mode: "ExclusiveLock", granted: true }]);
      }),
  ],
  "Migrations, newest first": [
    "lists what was applied",
    async ({ run }) => {
      const names = (await run()).map((row) => row["name"]);
      expect(names).toContain("006_jobs.sql");
      expect(names).toEqual(names.toSorted().reverse());
    },
  ],
  "Connection that holds the migration lock": [
    "names the process that holds the migrations' lock",
    ({ url, run }) =>
      withConnection(url, async (holder, pid) => {
        await holder`SELECT pg_advisory_lock(${MIGRATION_LOCK_KEY})`;
        expect(await run()).toContainEqual(expect.objectContaining({ pid, granted: true }));
      }),
  ],
  "Rows of every table": [
    "counts every table, also those without rows and one that is new",
    async ({ sql, driver, run }) => {
      await completed(driver);
      await dead(driver);
      await driver.saveStep(await running(driver), { name: "a", output: json(1) });
      await sql`CREATE TABLE "Of tomorrow" AS SELECT 1 AS one`;
      const rows = new Map((await run()).map(({ table, rows }) => [table, rows]));
      const tables = await sql`
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`;
      expect(rows.size).toBe(tables.length);
      expect(Object.fromEntries(rows)).toMatchObject({
        jobs: "2",
        jobs_archive: "1",
        job_steps: "1",
        job_events: "0",
        "Of tomorrow": "1",
      });
    },
  ],
  "Copy a database": [
    "takes jobs, keys and migrations with it",
    ({ text }) =>
      withDatabases(async ({ admin, source, copy, at }) => {
        await admin.unsafe(text({ source: source.name, copy }));
        expect(await statusIn(at(copy), source.jobId)).toBe("running");
      }),
  ],
  "Rename the migrated database": [
    "frees its name",
    ({ text }) =>
      withDatabases(async ({ admin, source, aside }) => {
        await admin.unsafe(text({ source: source.name, aside }));
        const names =
          await admin`SELECT datname FROM pg_database WHERE datname IN (${source.name}, ${aside})`;
        expect(names).toMatchObject([{ datname: aside }]);
      }),
  ],
  "Rename the copy": [
    "restores the jobs, and running ones run again when their lease has ended",
    ({ text }) =>
      withDatabases(async ({ admin, source, copy, aside, at }) => {
        await admin`CREATE DATABASE ${admin(copy)} TEMPLATE ${admin(source.name)}`;
        await admin`ALTER DATABASE ${admin(source.name)} RENAME TO ${admin(aside)}`;
        await admin.unsafe(text({ copy, source: source.name }));
        expect(await statusIn(at(source.name), source.jobId)).toBe("running");
        await withConnection(at(source.name), async (sql) => {
          await sql`UPDATE jobs SET locked_at = now() - interval '1 hour'`;
          const request = { queue: "default", workerId: "w2", leaseMs: 1000, limit: 1 };
          const { jobs } = await createPostgresDriver({ sql }).reserve(request);
          expect(jobs.map(({ jobId }) => jobId)).toEqual([source.jobId]);
        });
      }),
  ],
};

type Databases = {
  /** Connected to another database. */
  readonly admin: Sql;
  /** With a running job, and no connections. */
  readonly source: { readonly name: string; readonly jobId: string };
  readonly copy: string;
  readonly aside: string;
  at(name: string): string;
};

async function withDatabases(work: (databases: Databases) => Promise<void>): Promise<void> {
  const [original, other] = [await createTestDatabase({ migrate: migrateJobs }), await createTestDatabase()];
  const { jobId } = await running(createPostgresDriver({ sql: original.sql }));
  await original.sql.end({ timeout: 1 });
  const url = new URL(original.url);
  const name = url.pathname.slice(1);
  const [copy, aside] = [`${name}_copy`, `${name}_aside`];
  const at = (database: string) => new URL(`/${database}`, url).href;
  try {
    await work({ admin: other.sql, source: { name, jobId }, copy, aside, at });
  } finally {
    for (const made of [copy, aside])
      await other.sql`DROP DATABASE IF EXISTS ${other.sql(made)} WITH (FORCE)`;
    await original.drop();
    await other.drop();
  }
}

async function statusIn(url: string, jobId: string): Promise<string | undefined> {
  const found: { status?: string } = {};
  await withConnection(url, async (sql) => {
    Object.assign(found, (await createPostgresDriver({ sql }).get(jobId)) ?? {});
  });
  return found.status;
}
