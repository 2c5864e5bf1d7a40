import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { formatFailures, listFailedTests, listFilesWithoutResult } from "./failed-tests.ts";
import { hasPgBouncer } from "./pgbouncer.ts";
import { startPostgresProcess } from "./postgres-process.ts";
import { addCounts, countTests, formatTestCounts, type TestCounts } from "./test-counts.ts";
import { TEST_TIMEOUT_MS } from "./timeout.ts";

/**
 * A program, `bun run check`: types, lint, every benchmark at a small size, then every test against a real Postgres, and some again in
 * another time zone. Exits with the first failing code.
 */
const ROOT = resolve(import.meta.dir, "../../..");
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

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

const BENCHMARKS = ["ingest", "jobs", "read", "parse", "search", "client", "bodies", "memory"];

type Signal = (typeof SIGNALS)[number];
const state: { step?: Bun.Subprocess; endedBy?: Signal } = {};

for (const signal of SIGNALS) process.on(signal, () => interrupt(signal));
process.exit(await check());

/** Ends with the failed tests, the failed steps and, as the last line, the count of tests: CI keeps only the end of a long log. */
async function check(): Promise<number> {
  if (!hasPgBouncer)
    process.stdout.write("PgBouncer is not installed: the tests behind it are passed over.\n");
  const typecheck = await runStep([process.execPath, "run", "typecheck"]);
  const lint = await runStep([process.execPath, "run", "lint"]);
  const benchmarks = await runBenchmarks();
  const test = await withDatabase(runAllTests);
  if (state.endedBy) return exitCodeOf(state.endedBy);
  const codes = { typecheck, lint, benchmarks, test: test.code };
  const failed = Object.entries(codes).filter(([, code]) => code !== 0);
  if (test.code !== 0) process.stdout.write(`\nFailed tests:\n${formatFailures(test.failures)}`);
  if (failed.length > 0) process.stdout.write(`\nFailed: ${failed.map(([step]) => step).join(", ")}\n`);
  process.stdout.write(`\n${formatTestCounts(test)}\n`);
  return failed[0]?.[1] ?? 0;
}

/** Each runs to its end at a size that says nothing of speed; the first failing code. */
async function runBenchmarks(): Promise<number> {
  const folder = join(ROOT, "bench");
  const code =
    (await runStep([process.execPath, "install", "--frozen-lockfile"], {}, folder)) ||
    (await runStep([join(ROOT, "node_modules/.bin/tsc"), "--noEmit", "-p", folder]));
  if (code !== 0) return code;
  for (const name of BENCHMARKS) {
    const program = [process.execPath, join("src", `${name}.ts`)];
    const failed = await runStep(program, { BENCH_SMOKE: "1" }, folder);
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
  const here = await runTests([], { TEST_DATABASE_URL: url });
  const elsewhere = await runTests(ELSEWHERE_TESTS, { TEST_DATABASE_URL: url, ...ELSEWHERE });
  const failures = [...here.failures, ...elsewhere.failures.map((line) => `${line} (TZ=${ELSEWHERE.TZ})`)];
  return { ...addCounts(here, elsewhere), code: here.code || elsewhere.code, failures };
}

async function runTests(files: readonly string[], env: Record<string, string>): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-check-"));
  try {
    const path = join(folder, "report.xml");
    const options = [`--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${path}`];
    const code = await runStep([process.execPath, "test", ...options, ...files], env);
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

async function runStep(command: string[], env: Record<string, string> = {}, cwd = ROOT): Promise<number> {
  if (state.endedBy) return exitCodeOf(state.endedBy);
  state.step = Bun.spawn(command, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = await state.step.exited;
  return state.endedBy ? exitCodeOf(state.endedBy) : code;
}

/** The signal may have come to us alone, and not to the whole group. */
function interrupt(signal: Signal): void {
  state.endedBy ??= signal;
  state.step?.kill(signal);
}

function exitCodeOf(signal: Signal): number {
  return 128 + constants.signals[signal];
}
