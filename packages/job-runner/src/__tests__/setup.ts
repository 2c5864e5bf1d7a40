import { afterEach, beforeEach } from "bun:test";
import { clearRows, until, useTestDatabase } from "@wharf/testkit";
import { pino } from "pino";
import { createJobRunner, type JobDefinition, type JobRunner, type JobRunnerOptions } from "../index.ts";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";

export { anything } from "./anything.ts";
/** A backoff that does not make a test wait. */
export const fast = { baseMs: 1, factor: 1, maxMs: 1, jitter: 0 };
export const silent = pino({ level: "silent" });

/** A database for the file, empty before each test, and runners that are drained after it. */
export function useRunners() {
  const database = useTestDatabase({ migrate: migrateJobs });
  const runners: JobRunner[] = [];

  beforeEach(() => clearRows(database.sql));
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.drain(200)));
  });

  function runnerOf(jobs: readonly JobDefinition[], options: Partial<JobRunnerOptions> = {}) {
    const isGiven = options.driver !== undefined || options.dsn !== undefined;
    const store = isGiven ? {} : { sql: database.sql };
    const runner = createJobRunner({ ...store, jobs, logger: silent, maxBackoffMs: 100, ...options });
    runners.push(runner);
    return runner;
  }

  async function started(jobs: readonly JobDefinition[], options: Partial<JobRunnerOptions> = {}) {
    const runner = runnerOf(jobs, options);
    await runner.start();
    return runner;
  }

  return { database, runnerOf, started };
}

const STALL_MS = 60_000;

/** Waits until no job is left. Fails when their number stays the same for a minute, however long the whole takes. */
export async function untilNoJobIsLeft(countJobs: () => Promise<number>): Promise<void> {
  let before = await countJobs();
  while (before > 0) {
    const less = async () => {
      const now = await countJobs();
      return now < before ? { now } : undefined;
    };
    const describe = `fewer than ${before} jobs`;
    before = (await until(less, { deadlineMs: STALL_MS, describe })).now;
  }
}

export const statusOf = async (runner: JobRunner, id: string) => (await runner.get(id))?.status;

export const ended = (runner: JobRunner, id: string, status: string) =>
  until(async () => (await statusOf(runner, id)) === status, { describe: `job ${id} to be ${status}` });
