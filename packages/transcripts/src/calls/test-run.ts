import { commandsOf } from "./shell.ts";

/** A run of tests. Counts are null where the output does not show them. */
export type TestRun = { passed: number | null; failed: number | null; is_success: boolean | null };

const RUNNERS: readonly RegExp[] = [
  /^(?:bun|deno|go|cargo|dotnet|swift|mix|flutter|dart|npm|pnpm|yarn|make|just|mvn|gradle|\.\/gradlew|rake|bazel) (?:run )?(?:test|check|t)\b/,
  /^(?:npx |bunx |pnpm exec |uv run |poetry run |bundle exec |python3? -m )*(?:jest|vitest|mocha|ava|pytest|unittest|rspec|phpunit|playwright test|tox|nox|ctest|nextest)\b/,
];

/** How test runners print their sums, each in one line; the last sum of the output counts. */
const SUMS: readonly { passed: RegExp; failed: RegExp }[] = [
  { passed: /^\s*(\d+) pass$/, failed: /^\s*(\d+) fail$/ },
  { passed: /^Tests:.*?(\d+) passed/, failed: /^Tests:.*?(\d+) failed/ },
  { passed: /^\s*Tests .*?(\d+) passed/, failed: /^\s*Tests .*?(\d+) failed/ },
  { passed: /^test result:.*?(\d+) passed/, failed: /^test result:.*?(\d+) failed/ },
  { passed: /^=+ .*?(\d+) passed/, failed: /^=+ .*?(\d+) (?:failed|error)/ },
  { passed: /^\s*(\d+) passing\b/, failed: /^\s*(\d+) failing\b/ },
];
/** A longer line is no sum. The patterns above take a time that grows with the square of a line's length. */
const SUM_LINE_CHARACTERS_MAX = 500;

/** null for a command that runs no tests. `exitCode` null: unknown. */
export function readTestRun(command: string, output: string, exitCode: number | null): TestRun | null {
  const isTest = commandsOf(command).some((words) => RUNNERS.some((runner) => runner.test(words.join(" "))));
  if (!isTest) return null;
  const lines = output.split(/\r?\n/).filter(({ length }) => length <= SUM_LINE_CHARACTERS_MAX);
  for (const { passed, failed } of SUMS) {
    const counts = { passed: lastNumber(lines, passed), failed: lastNumber(lines, failed) };
    if (counts.passed === null && counts.failed === null) continue;
    const sums = { passed: counts.passed ?? 0, failed: counts.failed ?? 0 };
    return { ...sums, is_success: sums.failed === 0 && (exitCode ?? 0) === 0 };
  }
  return { passed: null, failed: null, is_success: exitCode === null ? null : exitCode === 0 };
}

function lastNumber(lines: readonly string[], pattern: RegExp): number | null {
  const last = pattern.exec(lines.findLast((line) => pattern.test(line)) ?? "")?.[1];
  return last === undefined ? null : Number(last);
}
