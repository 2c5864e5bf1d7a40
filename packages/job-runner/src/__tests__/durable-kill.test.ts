import { beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { clearRows, type Program, spawnProgram, until, useTestDatabase } from "@wharf/testkit";
import { z } from "zod";
import { createJobRunner, defineJob, type JobRunner } from "../index.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { untilNoJobIsLeft } from "./setup.ts";

const DEADLINE_MS = 90_000;
/** It ends by itself when no job ends for a minute. */
const TIMEOUT_MS = 20 * 60_000;
const PROCESSES = 3;
const JOBS = 200;
const KILL_EVERY_MS = 400;
const GO_KEYS = 5;

const database = useTestDatabase({ migrate: migrateJobs });
const journey = defineJob({ name: "journey", input: z.object({ n: z.number() }), run: () => undefined });

beforeEach(async () => {
  const { sql } = database;
  await sql`CREATE TABLE IF NOT EXISTS ledger (job_id BIGINT, step TEXT,
    entered_at TIMESTAMPTZ DEFAULT clock_timestamp())`;
  await clearRows(sql);
});

function spawnWorker(): Program {
  return spawnProgram({
    command: [process.execPath, join(import.meta.dir, "programs", "step-worker.ts")],
    cwd: import.meta.dir,
    env: { ...process.env, DATABASE_URL: database.url },
  });
}

async function kill(program: Program | undefined) {
  program?.kill("SIGKILL");
  await program?.exited;
}

/** A step that was cut off is entered again; one that has finished never is. */
async function finishedStepsThatRanAgain() {
  return [
    ...(await database.sql`
      SELECT step.job_id, step.name FROM job_steps AS step
      JOIN ledger ON ledger.job_id = step.job_id AND ledger.step = step.name
      WHERE ledger.entered_at > step.finished_at`),
  ];
}

async function enqueueJourneys(runner: JobRunner, count: number) {
  return runner.enqueueMany(
    journey,
    Array.from({ length: count }, (_, n) => ({ input: { n } })),
  );
}

test("a job whose process is killed continues after its last finished step, and its sleep survives a restart", async () => {
  const runner = createJobRunner({ sql: database.sql });
  const [job] = await enqueueJourneys(runner, 1);
  const id = job?.id ?? "";
  const first = spawnWorker();
  try {
    await until(async () => (await runner.steps(id)).some(({ name }) => name === "nap"), {
      deadlineMs: DEADLINE_MS,
    });
  } finally {
    await kill(first);
  }
  const asleep = await runner.steps(id);
  const second = spawnWorker();
  try {
    await until(async () => (await runner.steps(id)).some(({ name }) => name === "signal"), {
      deadlineMs: DEADLINE_MS,
    });
    await runner.sendEvent({ name: "go", key: "0", payload: null });
    await runner.waitFor(id, { timeoutMs: DEADLINE_MS });
  } finally {
    await kill(second);
  }
  const nap = (await runner.steps(id)).find(({ name }) => name === "nap");
  expect(nap?.wakeAt).toBe(asleep.find(({ name }) => name === "nap")?.wakeAt ?? "");
  expect((nap?.finishedAt ?? "") >= (nap?.wakeAt ?? "never")).toBe(true);
  const entries = await database.sql`SELECT step FROM ledger ORDER BY entered_at`;
  expect(entries.map((row) => row["step"])).toEqual(["step-1", "step-2", "step-3", "step-4"]);
}, 100_000);

test(
  "no finished step runs again and no wake-up is lost while processes are killed at random",
  async () => {
    const { sql } = database;
    const sender = createJobRunner({ sql });
    await enqueueJourneys(sender, JOBS);
    const programs = Array.from({ length: PROCESSES }, spawnWorker);
    const dead: Program[] = [];
    let sent = 0;
    const strike = setInterval(() => {
      const index = Math.floor(Math.random() * PROCESSES);
      const victim = programs[index];
      if (victim === undefined || !victim.stdout.includes("started")) return;
      victim.kill("SIGKILL");
      dead.push(victim);
      programs[index] = spawnWorker();
    }, KILL_EVERY_MS);
    try {
      await untilNoJobIsLeft(async () => {
        if (sent < GO_KEYS) await sender.sendEvent({ name: "go", key: `${sent}`, payload: sent });
        sent += 1;
        return (await sql`SELECT count(*)::integer AS n FROM jobs`)[0]?.["n"];
      });
    } finally {
      clearInterval(strike);
      await Promise.all(programs.map(kill));
    }
    await Promise.all(dead.map((program) => program.exited));
    expect(dead.length).toBeGreaterThanOrEqual(3);
    expect(await finishedStepsThatRanAgain()).toEqual([]);
    const [totals] = await sql`SELECT (SELECT count(*)::integer FROM jobs_archive) AS jobs,
      (SELECT count(*)::integer FROM job_steps WHERE kind = 'step') AS steps,
      (SELECT count(*)::integer FROM ledger) AS entries`;
    expect(totals).toMatchObject({ jobs: JOBS, steps: JOBS * 4 });
    process.stdout.write(`killed ${dead.length}; ${totals?.["entries"]} entries for ${JOBS * 4} steps\n`);
    const wrong = await sql`SELECT FROM job_steps JOIN jobs_archive AS job ON job.id = job_id
      WHERE kind = 'step' AND job_steps.output <> to_jsonb(right(job_steps.name, 1)::integer * 10 + (job.payload->>'n')::integer)`;
    expect(wrong).toHaveLength(0);
    const [stats] =
      await sql`SELECT deadlocks::integer AS n FROM pg_stat_database WHERE datname = current_database()`;
    expect(stats?.["n"]).toBe(0);
  },
  TIMEOUT_MS,
);
