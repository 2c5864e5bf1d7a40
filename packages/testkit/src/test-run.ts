import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runStep } from "./check-steps.ts";
import { startPostgresProcess } from "./postgres-process.ts";
import { dropDatabasesOf, RUN_VARIABLE } from "./template.ts";
import { TEST_TIMEOUT_MS } from "./timeout.ts";

/** A process waits for half of its time: for Postgres, for programs, for time limits. */
const TEST_PROCESSES = 2;

/** The environment of test processes that share one Postgres: TEST_DATABASE_URL, else one for the time of `action`. */
export async function withTestRun<T>(action: (env: Record<string, string>) => Promise<T>): Promise<T> {
  const given = process.env["TEST_DATABASE_URL"];
  const postgres = given ? null : await startPostgresProcess();
  const url = given || postgres?.url || "";
  const run = randomBytes(6).toString("hex");
  try {
    return await action({ TEST_DATABASE_URL: url, [RUN_VARIABLE]: run });
  } finally {
    // A Postgres that does not answer any more must not hide the results.
    await dropDatabasesOf(run, url).catch((error: Error) => process.stdout.write(`${error.message}\n`));
    await postgres?.stop();
  }
}

export type TestReport = { code: number; junit: string };

/** Runs test files, all without any, two at a time. */
export async function runTestFiles(
  files: readonly string[],
  env: Record<string, string>,
  options: readonly string[] = [],
): Promise<TestReport> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-tests-"));
  try {
    const path = join(folder, "report.xml");
    const all = [
      `--parallel=${TEST_PROCESSES}`,
      // Or each file would load the whole server again.
      "--no-isolate",
      `--timeout=${TEST_TIMEOUT_MS}`,
      "--reporter=junit",
      `--reporter-outfile=${path}`,
      ...options,
    ];
    const code = await runStep([process.execPath, "test", ...all, ...files], { env });
    return { code, junit: await readFile(path, "utf8").catch(() => "") };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
