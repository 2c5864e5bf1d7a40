import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Program, spawnProgram, useTestDatabase } from "@wharf/testkit";
import { z } from "zod";
import { createJobRunner, defineJob } from "../index.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { untilNoJobIsLeft } from "./setup.ts";

const PROCESSES = 8;
const JOBS = 20_000;
const KEYS = 20;
const LEASE_MS = 1500;
const FAULT_EVERY_MS = 500;
/** It ends by itself when no job ends for a minute. */
const TIMEOUT_MS = 20 * 60_000;

const database = useTestDatabase({ migrate: migrateJobs });

test(
  "eight processes that are killed and frozen at random finish 20,000 jobs under 20 keys, one at a time a key",
  async () => {
    const { sql, url } = database;
    await sql`CREATE TABLE ledger (job_id BIGINT, token UUID, concurrency_key TEXT, worker_id TEXT,
      entered_at TIMESTAMPTZ, left_at TIMESTAMPTZ, PRIMARY KEY (job_id, token))`;
    await enqueueAll();
    const seed = Number(process.env["WHARF_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    process.stdout.write(`kill test seed: ${seed}\n`);
    const fleet = startFleet(url, seeded(seed));
    try {
      await untilNoJobIsLeft(async () => (await sql`SELECT count(*)::integer AS n FROM jobs`)[0]?.["n"]);
    } finally {
      await fleet.stop();
    }
    expect(fleet.faults.killed).toBeGreaterThanOrEqual(3);
    expect(fleet.faults.frozen).toBeGreaterThanOrEqual(3);
    expect(fleet.output()).not.toContain("40P01");
    await checkLedger();
  },
  TIMEOUT_MS,
);

async function enqueueAll() {
  const step = defineJob({
    name: "step",
    input: z.object({ key: z.string() }),
    concurrency: { key: ({ key }) => key },
    run: () => undefined,
  });
  const inputs = Array.from({ length: JOBS }, (_, n) => ({ input: { key: `key-${n % KEYS}` } }));
  await createJobRunner({ sql: database.sql }).enqueueMany(step, inputs);
}

async function checkLedger() {
  const { sql } = database;
  const [archive] = await sql`SELECT count(*)::integer AS rows, count(DISTINCT id)::integer AS jobs,
    sum(recoveries)::integer AS recoveries FROM jobs_archive`;
  expect(archive).toMatchObject({ rows: JOBS, jobs: JOBS });
  expect(archive?.["recoveries"]).toBeGreaterThan(0);
  const overlaps = await sql`
    SELECT * FROM (
      SELECT concurrency_key, left_at, lead(entered_at) OVER (PARTITION BY concurrency_key ORDER BY entered_at) AS next
      FROM ledger) AS run
    WHERE next < left_at`;
  expect([...overlaps]).toEqual([]);
  const startedWhenDone = await sql`
    SELECT job_id FROM ledger JOIN jobs_archive ON id = job_id WHERE entered_at > completed_at`;
  expect([...startedWhenDone]).toEqual([]);
  const finishedByAnother = await sql`
    SELECT id FROM jobs_archive JOIN (
      SELECT DISTINCT ON (job_id) job_id, worker_id FROM ledger ORDER BY job_id, entered_at DESC
    ) AS last ON job_id = id
    WHERE worker_id <> locked_by`;
  expect([...finishedByAnother]).toEqual([]);
  const neverLeft = await sql`
    SELECT id FROM jobs_archive WHERE NOT EXISTS (SELECT FROM ledger WHERE job_id = id AND left_at IS NOT NULL)`;
  expect([...neverLeft]).toEqual([]);
  const [locks] = await sql`SELECT count(*)::integer AS n FROM job_concurrency_locks`;
  expect(locks?.["n"]).toBe(0);
  const [stats] =
    await sql`SELECT deadlocks::integer AS n FROM pg_stat_database WHERE datname = current_database()`;
  expect(stats?.["n"]).toBe(0);
}

/** Keeps eight workers alive while one at a time is killed, or frozen beyond its lease and thawed. */
function startFleet(url: string, random: () => number) {
  const programs: Program[] = [];
  const all: Program[] = [];
  const faults = { killed: 0, frozen: 0 };
  const thaws = new Set<ReturnType<typeof setTimeout>>();
  let names = 0;

  function spawn(index: number) {
    names += 1;
    const program = spawnProgram({
      command: [process.execPath, join(import.meta.dir, "programs", "ledger-worker.ts")],
      cwd: import.meta.dir,
      env: { ...process.env, DATABASE_URL: url, WORKER_ID: `worker-${names}` },
    });
    programs[index] = program;
    all.push(program);
  }

  function strike() {
    const index = Math.floor(random() * PROCESSES);
    const program = programs[index];
    if (program === undefined || !program.stdout.includes("started")) return;
    if (random() < 0.5) {
      program.kill("SIGKILL");
      faults.killed += 1;
      spawn(index);
      return;
    }
    program.kill("SIGSTOP");
    faults.frozen += 1;
    const thaw = setTimeout(() => program.kill("SIGCONT"), LEASE_MS * 1.5);
    thaws.add(thaw);
  }

  for (let index = 0; index < PROCESSES; index += 1) spawn(index);
  const timer = setInterval(strike, FAULT_EVERY_MS);

  async function stop() {
    clearInterval(timer);
    for (const thaw of thaws) clearTimeout(thaw);
    for (const program of all) program.kill("SIGCONT");
    for (const program of programs) program.kill("SIGTERM");
    await Promise.all(all.map((program) => program.exited));
  }

  return { faults, stop, output: () => all.map((program) => program.stdout + program.stderr).join("") };
}

/** mulberry32: small, and the same for the same seed. */
function seeded(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
