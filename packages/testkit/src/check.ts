import { join } from "node:path";
import { codeOfInterrupt, ROOT, runStep } from "./check-steps.ts";
import { CHROMIUM } from "./chromium.ts";
import { formatFailures, listFailedTests, listFilesWithoutResult } from "./failed-tests.ts";
import { hasPgBouncer } from "./pgbouncer.ts";
import { addCounts, countTests, formatTestCounts, type TestCounts } from "./test-counts.ts";
import { runTestFiles, withTestRun } from "./test-run.ts";

/**
 * A program, `bun run check`: types, lint, every benchmark at a small size, then every test against a real Postgres, and some again in
 * another time zone. Exits with the first failing code.
 */
const BENCH = join(ROOT, "bench");

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

const BENCHMARKS = [
  "ingest",
  "jobs",
  "read",
  "parse",
  "search",
  "client",
  "bodies",
  "memory",
  "growth",
  "dashboard",
];

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
  const test = await withTestRun(runAllTests);
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

type TestRun = TestCounts & { code: number; failures: string[] };

async function runAllTests(env: Record<string, string>): Promise<TestRun> {
  const here = await runTests([], env);
  const elsewhere = await runTests(ELSEWHERE_TESTS, { ...env, ...ELSEWHERE });
  const failures = [...here.failures, ...elsewhere.failures.map((line) => `${line} (TZ=${ELSEWHERE.TZ})`)];
  return { ...addCounts(here, elsewhere), code: here.code || elsewhere.code, failures };
}

async function runTests(files: readonly string[], env: Record<string, string>): Promise<TestRun> {
  const { code, junit } = await runTestFiles(files, env);
  const counts = countTests(junit, code);
  const failures = [...listFailedTests(junit), ...listFilesWithoutResult(junit, await listTestFiles(files))];
  return { ...counts, code: code || Math.min(counts.failed, 1), failures };
}

/** Test files whose path contains one of `filters`, or all without filters, as `bun test` selects them. */
async function listTestFiles(filters: readonly string[]): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob("packages/*/src/**/*.test.ts").scan(ROOT));
  return files
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
}
