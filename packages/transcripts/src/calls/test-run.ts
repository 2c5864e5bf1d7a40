import { commandsOf } from "./shell.ts";

/** A run of tests. Counts are null where the output does not show them. */
export type TestRun = { passed: number | null; failed: number | null; is_success: boolean | null };

const RUNNERS: readonly RegExp[] = [
  /^(?:bun|deno|go|cargo|dotnet|swift|mix|flutter|dart|npm|pnpm|yarn|make|just|mvn|gradle|\.\/gradlew|rake|bazel) (?:run )?(?:test|check|t)\b/,
  /^(?:npx |bunx |pnpm exec |uv run |poetry run |bundle exec |python3? -m )*(?:jest|vitest|mocha|ava|pytest|unittest|rspec|phpunit|playwright test|tox|nox|ctest|nextest)\b/,
];

/** How test runners print their sums; the last sum of the output counts. */
const SUMS: readonly { passed: RegExp; failed: RegExp }[] = [
  { passed: /^\s*(\d+) pass$/gm, failed: /^\s*(\d+) fail$/gm },
  { passed: /^Tests:.*?(\d+) passed/gm, failed: /^Tests:.*?(\d+) failed/gm },
  { passed: /^\s*Tests .*?(\d+) passed/gm, failed: /^\s*Tests .*?(\d+) failed/gm },
  { passed: /^test result:.*?(\d+) passed/gm, failed: /^test result:.*?(\d+) failed/gm },
  { passed: /^=+ .*?(\d+) passed/gm, failed: /^=+ .*?(\d+) (?:failed|error)/gm },
  { passed: /^\s*(\d+) passing\b/gm, failed: /^\s*(\d+) failing\b/gm },
];

/** null for a command that runs no tests. `exitCode` null: unknown. */
export function readTestRun(command: string, output: string, exitCode: number | null): TestRun | null {
  const isTest = commandsOf(command).some((words) => RUNNERS.some((runner) => runner.test(words.join(" "))));
  if (!isTest) return null;
  for (const { passed, failed } of SUMS) {
    const counts = { passed: lastNumber(output, passed), failed: lastNumber(output, failed) };
    if (counts.passed === null && counts.failed === null) continue;
    const sums = { passed: counts.passed ?? 0, failed: counts.failed ?? 0 };
    return { ...sums, is_success: sums.failed === 0 && (exitCode ?? 0) === 0 };
  }
  return { passed: null, failed: null, is_success: exitCode === null ? null : exitCode === 0 };
}

function lastNumber(output: string, pattern: RegExp): number | null {
  const last = [...output.matchAll(pattern)].at(-1)?.[1];
  return last === undefined ? null : Number(last);
}
