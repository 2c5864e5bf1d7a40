import { describe, expect, test } from "bun:test";
import { defineJob } from "../index.ts";
import { anything, ended, useRunners } from "./setup.ts";

const { database, runnerOf, started } = useRunners();
const index = defineJob({ name: "index", input: anything, run: (_ctx, input) => input });

describe("an enqueue that replaces", () => {
  for (const store of [{}, { dsn: "sqlite::memory:" }, { dsn: "memory:" }]) {
    test(`runs the newest input once, ${store.dsn ?? "Postgres"}`, async () => {
      const runner = await started([index], store);
      await runner.pauseQueue("default");
      const replace = { key: "doc" };
      const first = await runner.enqueue(index, { v: 1 }, { replace });
      const second = await runner.enqueue(index, { v: 2 }, { replace });
      expect(second).toEqual({ id: first.id, existed: true });
      await runner.resumeQueue("default");
      await ended(runner, first.id, "completed");
      expect(await runner.get(first.id)).toMatchObject({ output: { v: 2 } });
      expect(runner.stats().submitted).toBe(1);
    });
  }

  test("is refused with an empty key, and together with an idempotency key", async () => {
    const runner = runnerOf([index]);
    for (const options of [{ replace: { key: "" } }, { replace: { key: "k" }, idempotencyKey: "i" }]) {
      await expect(runner.enqueue(index, 1, options)).rejects.toMatchObject({ code: "JOB_OPTION_INVALID" });
    }
    expect(await database.sql`SELECT FROM jobs`).toHaveLength(0);
  });
});

describe("jobs_add, for triggers and other languages", () => {
  test("enqueues from a trigger, and wakes a worker that polls once a minute", async () => {
    const { sql } = database;
    await sql`CREATE TABLE IF NOT EXISTS documents (id int)`;
    await sql`CREATE OR REPLACE FUNCTION index_document() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM jobs_add('index', jsonb_build_object('id', NEW.id), replace_key => NEW.id::text); RETURN NEW; END $$`;
    await sql`CREATE OR REPLACE TRIGGER index_document AFTER INSERT ON documents FOR EACH ROW EXECUTE FUNCTION index_document()`;
    const runner = await started([index], { backoffBaseMs: 60_000, maxBackoffMs: 60_000 });
    await sql`INSERT INTO documents VALUES (7), (7)`;
    const [{ id, count }] = await sql<[{ id: string; count: number }]>`
      SELECT min(id)::text AS id, count(*)::integer AS count FROM all_jobs WHERE type = 'index'`;
    expect(count).toBe(1);
    await ended(runner, id, "completed");
    expect(await runner.get(id)).toMatchObject({ output: { id: 7 }, queue: "default", maxAttempts: 25 });
    await sql`DROP TABLE documents`;
  });

  test("takes every column of a job, and rolls back with its transaction", async () => {
    const { sql } = database;
    const rolledBack = sql.begin(async (transaction) => {
      await transaction`SELECT jobs_add('index')`;
      throw new Error("no");
    });
    await expect(rolledBack).rejects.toThrow("no");
    expect(await sql`SELECT FROM jobs`).toHaveLength(0);
    await sql`SELECT jobs_add('index', '[1]', queue => 'mail', run_at => '2999-01-01T00:00:00Z', priority => -2, max_attempts => 3,
      timeout_ms => 500, concurrency_key => 'c', concurrency_limit => 4)`;
    const [job] =
      await sql`SELECT payload, queue, run_at > now() AS later, priority, max_attempts, timeout_ms, concurrency_key,
      concurrency_limit FROM jobs`;
    expect(job).toEqual({
      payload: [1],
      queue: "mail",
      later: true,
      priority: -2,
      max_attempts: 3,
      timeout_ms: 500,
      concurrency_key: "c",
      concurrency_limit: 4,
    });
  });
});
