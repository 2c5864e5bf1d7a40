import { describe, expect, test } from "bun:test";
import { until, useTestDatabase } from "@wharf/testkit";
import postgres from "postgres";
import { defineJob } from "../index.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { anything, ended, useRunners } from "./setup.ts";

const database = useTestDatabase({ migrate: (sql) => sql`CREATE TABLE jobs (title text)` });
const { runnerOf, started } = useRunners();
const job = defineJob({
  name: "j",
  input: anything,
  concurrency: { key: () => "k" },
  run: (ctx, input) => ctx.step("s", () => input),
});

test("the engine uses its own schema, next to an application's table of jobs", async () => {
  const runner = await started([job], { dsn: database.url, schema: "engine" });
  await ended(runner, (await runner.enqueue(job, 7)).id, "completed");
  await (await started([job], { dsn: database.url, schema: "engine" })).drain(200);
  const application = postgres(database.url, { max: 1, connection: { search_path: "engine, public" } });
  const { id } = await application.begin(async (transaction) => {
    await transaction`INSERT INTO public.jobs VALUES ('mine')`;
    return runner.enqueue(job, 8, { transaction });
  });
  await application.end();
  await ended(runner, id, "completed");
  const tables = await database.sql`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`;
  expect(tables.map(({ tablename }) => tablename)).toEqual(["jobs"]);
});

test("a pool with a search_path uses its schema, and a cancel does not affect a job in another schema", async () => {
  const gate = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  const long = defineJob({
    name: "long",
    input: anything,
    run: (ctx) => {
      signals.push(ctx.signal);
      return gate.promise;
    },
  });
  await database.sql`CREATE SCHEMA one`;
  const sql = postgres(database.url, { onnotice: () => undefined, connection: { search_path: "one" } });
  const one = runnerOf([long], { sql, migrate: () => migrateJobs(sql) });
  const two = await started([long], { dsn: database.url, schema: "two" });
  const canceller = await started([], { dsn: database.url, schema: "two", workers: false });
  await one.start();
  const first = await one.enqueue(long, 1);
  await until(() => signals.length === 1, { describe: "the first run" });
  const second = await two.enqueue(long, 1);
  await until(() => signals.length === 2, { describe: "the second run" });
  expect(second.id).toBe(first.id);
  await canceller.cancel(second.id, "enough");
  await until(() => signals[1]?.aborted === true, { describe: "the cancel to be heard" });
  expect(signals[0]?.aborted).toBe(false);
  gate.resolve();
  await ended(one, first.id, "completed");
  await one.drain(200);
  await sql.end({ timeout: 1 });
});

test("a schema is refused without a Postgres DSN, and with a name that needs quotes", async () => {
  expect(() => runnerOf([job], { dsn: "memory:", schema: "engine" })).toThrow(
    "`schema` requires a Postgres `dsn`",
  );
  for (const schema of ["", "Engine", "a b", 'x"; DROP SCHEMA public', "1st", "x".repeat(64)]) {
    await expect(runnerOf([job], { dsn: database.url, schema }).start()).rejects.toThrow(
      "`schema` must have",
    );
  }
});

describe("without tables of the engine", () => {
  test("a start fails instead of each claim", async () => {
    await database.sql`CREATE SCHEMA empty`;
    for (const search_path of ["empty", "public"]) {
      const sql = postgres(database.url, { max: 1, connection: { search_path } });
      const start = runnerOf([job], { sql }).start();
      await expect(start).rejects.toThrow("Pass `migrate: () => migrateJobs(sql)`");
      await sql.end();
    }
  });

  test("a migration next to an application's table of jobs names the way out", () =>
    expect(runnerOf([job], { dsn: database.url }).start()).rejects.toThrow(
      'relation "jobs" already exists. If it belongs to your application, set `schema`',
    ));
});
