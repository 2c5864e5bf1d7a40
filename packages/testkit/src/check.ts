import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOfInterrupt, ROOT, runStep } from "./check-steps.ts";
import { CHROMIUM } from "./chromium.ts";
import { formatFailures, listFailedTests, listFilesWithoutResult } from "./failed-tests.ts";
import { hasPgBouncer } from "./pgbouncer.ts";
import { startPostgresProcess } from "./postgres-process.ts";
import { dropDatabasesOf, RUN_VARIABLE } from "./template.ts";
import { addCounts, countTests, formatTestCounts, type TestCounts } from "./test-counts.ts";
import { TEST_TIMEOUT_MS } from "./timeout.ts";

/**
 * A program, `bun run check`: types, lint, every benchmark at a small size, then every test against a real Postgres, and some again in
 * another time zone. Exits with the first failing code.
 */
const BENCH = join(ROOT, "bench");

/** A process waits for half of its time: for Postgres, for programs, for time limits. */
const TEST_PROCESSES = 2;

/** What depends on the time zone or the locale runs once more, under a zone of odd minutes and a locale of odd capitals. */
const ELSEWHERE = { TZ: "Pacific/Chatham", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" };
const ELSEWHERE_TESTS = [
  "packages/job-runner/src/__tests__/schedule.test.ts",
  "packages/job-runner/src/stores/__tests__/sqlite.test.ts",
  "packages/protocol/src/__tests__/",
  "packages/server/src/db/__tests__/wire-types.test.ts",
  "packages/server/src/http/__tests__/pagination.test.ts",
  "packages/server/src/ingest/__tests__/session-lifecycle.test.ts",
  "packages/server/src/routes/__tests__/timeline.test.ts",
];

const BENCHMARKS = ["ingest", "jobs", "read", "parse", "search", "client", "bodies", "memory", "dashboard"];

process.exit(await check());

/** Ends with the failed tests, the failed steps and, as the last line, the count of tests: CI keeps only the end of a long log. */
async function check(): Promise<number> {
  if (!hasPgBouncer)
    process.stdout.write("PgBouncer is not installed: the tests behind it are passed over.\n");
  if (CHROMIUM === null)
    process.stdout.write("Chromium is not installed: the tests of the pages are passed over.\n");
  if (!process.env["CITUS_URL"])
    process.stdout.write("CITUS_URL is not set: the test on a Citus cluster is passed over.\n");
  const { typecheck, lint, benchmarks } = await runStatic();
  const test = await withDatabase(runAllTests);
  const interrupted = codeOfInterrupt();
  if (interrupted !== undefined) return interrupted;
  const codes = { typecheck, lint, benchmarks, test: test.code };
  const failed = Object.entries(codes).filter(([, code]) => code !== 0);
  if (test.code !== 0) process.stdout.write(`\nFailed tests:\n${formatFailures(test.failures)}`);
  if (failed.length > 0) process.stdout.write(`\nFailed: ${failed.map(([step]) => step).join(", ")}\n`);
  process.stdout.write(`\n${formatTestCounts(test)}\n`);
  return failed[0]?.[1] ?? 0;
}

/** All but the tests, at the same time: none depends on how long anything takes. The lint reads types of what benchmarks install. */
async function runStatic(): Promise<{ typecheck: number; lint: number; benchmarks: number }> {
  const install = await runStep([process.execPath, "install", "--frozen-lockfile"], { cwd: BENCH });
  const [typecheck, lint, benchmarks] = await Promise.all([
    runStep([process.execPath, "run", "typecheck"], { isHeld: true }),
    runStep([process.execPath, "run", "lint"], { isHeld: true }),
    install || runBenchmarks(),
  ]);
  return { typecheck, lint, benchmarks };
}

/** Each runs to its end at a size that says nothing of speed; the first failing code. */
async function runBenchmarks(): Promise<number> {
  const code = await runStep([join(ROOT, "node_modules/.bin/tsc"), "--noEmit", "-p", BENCH]);
  if (code !== 0) return code;
  for (const name of BENCHMARKS) {
    const program = [process.execPath, join("src", `${name}.ts`)];
    const failed = await runStep(program, { env: { BENCH_SMOKE: "1" }, cwd: BENCH });
    if (failed !== 0) return failed;
  }
  return 0;
}

async function withDatabase<T>(action: (url: string) => Promise<T>): Promise<T> {
  const given = process.env["TEST_DATABASE_URL"];
  if (given) return action(given);
  const postgres = await startPostgresProcess();
  try {
    return await action(postgres.url);
  } finally {
    await postgres.stop();
  }
}

type TestRun = TestCounts & { code: number; failures: string[] };

async function runAllTests(url: string): Promise<TestRun> {
  const run = randomBytes(6).toString("hex");
  const env = { TEST_DATABASE_URL: url, [RUN_VARIABLE]: run };
  const here = await runTests([], env);
  const elsewhere = await runTests(ELSEWHERE_TESTS, { ...env, ...ELSEWHERE });
  // A Postgres that does not answer any more must not hide the results.
  await dropDatabasesOf(run, url).catch((error: Error) => process.stdout.write(`${error.message}\n`));
  const failures = [...here.failures, ...elsewhere.failures.map((line) => `${line} (TZ=${ELSEWHERE.TZ})`)];
  return { ...addCounts(here, elsewhere), code: here.code || elsewhere.code, failures };
}

async function runTests(files: readonly string[], env: Record<string, string>): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-check-"));
  try {
    const path = join(folder, "report.xml");
    const options = [
      `--parallel=${TEST_PROCESSES}`,
      // Or each file would load the whole server again.
      "--no-isolate",
      `--timeout=${TEST_TIMEOUT_MS}`,
      "--reporter=junit",
      `--reporter-outfile=${path}`,
    ];
    const code = await runStep([process.execPath, "test", ...options, ...files], { env });
    const report = await readFile(path, "utf8").catch(() => "");
    const counts = countTests(report, code);
    const failures = [
      ...listFailedTests(report),
      ...listFilesWithoutResult(report, await listTestFiles(files)),
    ];
    return { ...counts, code: code || Math.min(counts.failed, 1), failures };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Test files whose path contains one of `filters`, or all without filters, as `bun test` selects them. */
async function listTestFiles(filters: readonly string[]): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob("packages/*/src/**/*.test.ts").scan(ROOT));
  return files
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
}
