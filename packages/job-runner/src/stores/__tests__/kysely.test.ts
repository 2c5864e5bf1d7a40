import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { clearRows, createTestDatabase, until, useTestDatabase } from "@wharf/testkit";
import { Kysely, PostgresDialect } from "kysely";
import { Pool } from "pg";
import { anything } from "../../__tests__/anything.ts";
import { ended, silent } from "../../__tests__/setup.ts";
import { describeDriverContract } from "../../conformance/index.ts";
import { job } from "../../conformance/setup.ts";
import type { Driver } from "../../contract/driver.ts";
import { createJobRunner, defineJob } from "../../index.ts";
import { createKyselyClient, createKyselyDriver, migrateJobs } from "../kysely/kysely.ts";
import { migrateJobs as migrateByPool } from "../postgres/migrate-jobs.ts";

let pool: Pool;
afterAll(() => end(pool));
const database = useTestDatabase({ migrate: migrateByPool });
beforeAll(() => {
  pool = poolOf(database.url);
});

const echo = defineJob({ name: "echo", input: anything, run: (_ctx, input) => input });

for (const useAdvisoryLocks of [false, true]) {
  describe(useAdvisoryLocks ? "advisory claim" : "row-lock claim", () => {
    let driver: Driver;
    beforeEach(async () => {
      await clearRows(database.sql);
      driver = createKyselyDriver({ dialect: new PostgresDialect({ pool }), useAdvisoryLocks });
    });

    describeDriverContract(`Kysely${useAdvisoryLocks ? " with advisory locks" : ""}`, () => driver);
  });
}

describe("a runner on a Kysely dialect", () => {
  const runnerOf = () =>
    createJobRunner({
      dialect: new PostgresDialect({ pool }),
      jobs: [echo],
      logger: silent,
      maxBackoffMs: 50,
    });

  beforeEach(() => clearRows(database.sql));

  test("runs jobs of another process by polling, and does not end a pool of the caller's", async () => {
    const runner = runnerOf();
    await runner.start();
    const { id } = await createJobRunner({ sql: database.sql }).enqueue(echo, { ü: [1] });
    await ended(runner, id, "completed");
    expect((await runner.get(id))?.output).toEqual({ ü: [1] });
    await runner.drain();
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  test("a job of a Kysely transaction exists if and only if it commits", async () => {
    const runner = runnerOf();
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    const enqueueIn = (outcome: () => void) =>
      db.transaction().execute(async (trx) => {
        const transaction = createKyselyClient(trx);
        const { id } = await runner.enqueue(echo, 1, { transaction });
        expect(await runner.get(id)).toBeUndefined();
        outcome();
        return id;
      });
    const rolledBack = enqueueIn(() => {
      throw new Error("no");
    });
    await expect(rolledBack).rejects.toThrow("no");
    expect(await runner.list({}, { limit: 5 })).toEqual([]);
    const id = await enqueueIn(() => undefined);
    expect((await runner.get(id))?.status).toBe("queued");
  });
});

test("the tables are made by Kysely alone", async () => {
  const empty = await createTestDatabase();
  const own = poolOf(empty.url);
  try {
    const dialect = new PostgresDialect({ pool: own });
    const db = new Kysely<unknown>({ dialect });
    const runner = createJobRunner({ dialect, migrate: () => migrateJobs(db), jobs: [echo], logger: silent });
    await runner.start();
    const { id } = await runner.enqueue(echo, "there");
    await until(async () => (await runner.get(id))?.status === "completed");
    await runner.drain();
    expect(await migrateJobs(db)).toEqual([]);
  } finally {
    await end(own);
    await empty.drop();
  }
});

describe("a statement by Kysely", () => {
  const client = () => createKyselyClient(new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }));

  test("numbers its parameters through all of its fragments, and sends them apart from the text", async () => {
    const sql = client();
    const inner = (name: string) => sql`${name}::text || ${sql`${"'; DROP"}::text`}`;
    const [row] = await sql<{ one: string; two: string }[]>`
      SELECT ${inner("a")} AS one, ${inner("b")} AS two WHERE ${1}::integer = 1 ${sql``}`;
    expect(row).toEqual({ one: "a'; DROP", two: "b'; DROP" });
  });

  test("is sent once, even if awaited repeatedly, and never if not awaited", async () => {
    const sql = client();
    await sql`CREATE TABLE sent (n INTEGER)`;
    const statement = sql`INSERT INTO sent VALUES (${7}) RETURNING n`;
    void sql`INSERT INTO sent VALUES (8)`;
    expect((await statement).count).toBe(1);
    expect(await statement).toHaveLength(1);
    expect((await sql`DELETE FROM sent`).count).toBe(1);
    await sql`DROP TABLE sent`;
  });

  test("unsupported operations are reported", async () => {
    const sql = client();
    expect(() => sql.json({})).toThrow(expect.objectContaining({ code: "JOB_UNSUPPORTED" }));
    expect(() => sql`SELECT 1`.cursor()).toThrow(expect.objectContaining({ code: "JOB_UNSUPPORTED" }));
    const driver = createKyselyDriver({ dialect: new PostgresDialect({ pool }) });
    expect(driver.listen).toBeUndefined();
    await expect(driver.enqueue([job({ runAt: "soon" })])).rejects.toMatchObject({
      code: "JOB_OPTION_INVALID",
    });
  });
});

function poolOf(connectionString: string): Pool {
  return new Pool({ connectionString, application_name: `kysely-${crypto.randomUUID()}` });
}

/** The end of a pool does not wait for its sessions: a dropped database then sends them an error (57P01) that no caller handles. */
async function end(ending: Pool): Promise<void> {
  const name = ending.options.application_name ?? "";
  await ending.end();
  await until(async () => {
    const left = await database.sql`SELECT FROM pg_stat_activity WHERE application_name = ${name}`;
    return left.count === 0;
  });
}
