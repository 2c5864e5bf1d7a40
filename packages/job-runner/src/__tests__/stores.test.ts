import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, spawnProgram, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { z } from "zod";
import { createJobRunner, defineJob, defineSchedule } from "../index.ts";
import { createMemoryDriver } from "../stores/memory/memory.ts";
import { anything } from "./anything.ts";
import { ended, silent } from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);
const folder = mkdtempSync(join(tmpdir(), "job-runner-stores-"));
afterAll(() => rmSync(folder, { recursive: true }));

const echo = defineJob({ name: "echo", input: anything, run: (_ctx, input) => input });
const runnerOn = (dsn: string) => createJobRunner({ dsn, jobs: [echo], logger: silent, maxBackoffMs: 100 });

async function runsAJob(dsn: string) {
  const runner = runnerOn(dsn);
  await runner.start();
  const { id } = await runner.enqueue(echo, { hello: "there" });
  await ended(runner, id, "completed");
  expect((await runner.get(id))?.output).toEqual({ hello: "there" });
  await runner.drain();
  return runner;
}

describe("text that stores would change", () => {
  const keyed = defineJob({
    name: "keyed",
    input: z.string(),
    concurrency: { key: (input) => input },
    run: () => undefined,
  });

  async function refusesOddText(dsn: string) {
    const runner = createJobRunner({ dsn, jobs: [echo, keyed], logger: silent, workers: false });
    await runner.start();
    for (const odd of ["a\0b", "a\ud800"]) {
      const attempts = [
        () => runner.enqueue(echo, 1, { idempotencyKey: odd }),
        () => runner.enqueueMany(echo, [{ input: 1 }, { input: 2, idempotencyKey: odd }]),
        () => runner.enqueue(echo, 1, { queue: odd }),
        () => runner.enqueue(keyed, odd),
        () => runner.sendEvent({ name: odd, payload: 1 }),
        () => runner.sendEvent({ name: "paid", key: odd, payload: 1 }),
        () => runner.sendEvent({ name: "paid", id: odd, payload: 1 }),
      ];
      for (const attempt of attempts)
        await expect(attempt()).rejects.toMatchObject({ code: "JOB_OPTION_INVALID" });
    }
    expect(await runner.list({}, { limit: 5 })).toEqual([]);
    await runner.drain();
  }

  test("is rejected by the memory store as a key, a queue and an event name", () =>
    refusesOddText("memory:"));
  test("is refused by SQLite", () => refusesOddText(`sqlite:${join(folder, "odd.db")}`));
  test("is refused by Postgres", async () => {
    const { url, drop } = await createTestDatabase();
    try {
      await refusesOddText(url);
    } finally {
      await drop();
    }
  });

  test("is refused as the id of a worker", () => {
    expect(() => createJobRunner({ ...silent, dsn: "memory:", workerId: "a\0b" })).toThrow(/workerId: .*NUL/);
  });

  test("is refused as the name of a schedule, and the name or the queue of a job type", () => {
    for (const odd of [{ name: "a\0b" }, { name: "odd", queue: "a\0b" }])
      expect(() => defineJob({ input: anything, run: () => undefined, ...odd })).toThrow(/NUL/);
    expect(() => defineSchedule({ name: "a\0b", cron: "0 * * * *", job: echo, input: null })).toThrow(/NUL/);
  });
});

describe("the choice of a store", () => {
  test("rejects none and more than one", () => {
    const refused = { code: "JOB_OPTION_INVALID" };
    expect(() => createJobRunner({})).toThrow(expect.objectContaining(refused));
    expect(() => createJobRunner({})).toThrow("undefined counts as not passed");
    expect(() => createJobRunner({ dsn: "memory:", driver: createMemoryDriver() })).toThrow(
      expect.objectContaining(refused),
    );
  });

  test("rejects a DSN of another kind without showing it", () => {
    for (const dsn of ["mysql://root:secret@host/db", "sqlite:", "", "secret"]) {
      expect(() => createJobRunner({ dsn })).toThrow(/must be postgres:\/\/…, sqlite:PATH or memory:/);
      expect(() => createJobRunner({ dsn })).not.toThrow(/secret/);
    }
  });

  test("rejects an invalid Postgres DSN without showing it", async () => {
    const start = runnerOn("postgres://user:secret@host:port/db").start();
    const error = await start.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "JOB_OPTION_INVALID" });
    expect(Bun.inspect(error)).not.toContain("secret");
  });

  test("memory: keeps the jobs in the process until the drain", async () => {
    const drained = await runsAJob("memory:");
    await expect(drained.get("1")).rejects.toMatchObject({ code: "JOB_STORE_CLOSED" });
  });

  test("sqlite:PATH makes the file, and keeps the jobs in it", async () => {
    const dsn = `sqlite:${join(folder, "jobs.db")}`;
    const drained = await runsAJob(dsn);
    await expect(drained.get("1")).rejects.toMatchObject({ code: "JOB_STORE_CLOSED" });
    const again = runnerOn(dsn);
    expect((await again.get("1"))?.status).toBe("completed");
    await again.drain();
  });

  test("a store that cannot be opened fails the start, and the next one tries again", async () => {
    const runner = runnerOn(`sqlite:${join(folder, "later", "jobs.db")}`);
    await expect(runner.start()).rejects.toMatchObject({ code: "JOB_OPTION_INVALID" });
    mkdirSync(join(folder, "later"));
    await runner.start();
    await runner.drain();
  });

  test("a file of another kind is refused with its path", async () => {
    const path = join(folder, "notes.txt");
    await Bun.write(path, "not a database ".repeat(100));
    await expect(runnerOn(`sqlite:${path}`).start()).rejects.toThrow(`${path} is not a SQLite file`);
  });

  test("jobs can be enqueued before the start, which opens the store", async () => {
    const runner = runnerOn(`sqlite:${join(folder, "early.db")}`);
    const { id } = await runner.enqueue(echo, 1);
    expect((await runner.get(id))?.status).toBe("queued");
    await runner.start();
    await ended(runner, id, "completed");
    await runner.drain();
  });
});

describe("a Postgres DSN", () => {
  test("creates the tables in an empty database, runs jobs, and closes all connections", async () => {
    const database = await createTestDatabase();
    try {
      const drained = await runsAJob(database.url);
      const connections = () => database.sql`
        SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'job-runner'`;
      await until(async () => (await connections()).length === 0);
      await expect(drained.get("1")).rejects.toMatchObject({ code: "JOB_STORE_CLOSED" });
    } finally {
      await database.drop();
    }
  });

  test("creates no tables if the program has its own migrator", async () => {
    const database = await createTestDatabase();
    try {
      const runner = createJobRunner({ dsn: database.url, migrate: async () => {}, logger: silent });
      await expect(runner.enqueue(echo, 1)).rejects.toMatchObject({ code: "42P01" });
      await runner.drain();
      const [row] = await database.sql`SELECT to_regclass('_migrations') AS ledger`;
      expect(row?.["ledger"]).toBeNull();
    } finally {
      await database.drop();
    }
  });
});

describe("the modules that a program loads", () => {
  async function loaded(...dsn: string[]): Promise<string[]> {
    const command = [process.execPath, join(import.meta.dir, "programs", "loaded-modules.ts"), ...dsn];
    const program = spawnProgram({ command, cwd: folder });
    expect({ code: await program.exited, stderr: program.stderr }).toEqual({ code: 0, stderr: "" });
    const files: string[] = JSON.parse(program.stdout);
    expect(files.some((file) => file.endsWith("/job-runner/src/index.ts"))).toBe(true);
    return files;
  }

  const ofPostgres = (files: string[]) => files.filter((file) => /node_modules\/postgres\//.test(file));
  const ofDrivers = (files: string[]) =>
    ["memory", "sqlite", "postgres", "kysely"].filter((name) =>
      files.some((file) => file.includes(`/src/stores/${name}/`)),
    );

  test("the package alone loads no store", async () => {
    const files = await loaded();
    expect(ofPostgres(files)).toEqual([]);
    expect(ofDrivers(files)).toEqual([]);
  });

  test("memory: loads neither the Postgres driver nor SQLite", async () => {
    const files = await loaded("memory:");
    expect(ofPostgres(files)).toEqual([]);
    expect(ofDrivers(files)).toEqual(["memory"]);
  });

  test("sqlite: does not load the Postgres driver", async () => {
    const files = await loaded(`sqlite:${join(folder, "modules.db")}`);
    expect(ofPostgres(files)).toEqual([]);
    expect(ofDrivers(files)).toEqual(["sqlite"]);
  });

  test("postgres:// loads the Postgres driver, and no other store", async () => {
    const database = await createTestDatabase();
    const files = await loaded(database.url).finally(() => database.drop());
    expect(ofPostgres(files)).not.toEqual([]);
    expect(ofDrivers(files)).toEqual(["postgres"]);
  });
});
