export type TestCounts = { passed: number; failed: number };

/**
 * Counts from the JUnit report of a run of `bun test` that ended with `code`.
 * The report leaves out a file that failed to load, and there is none after a crash; the code tells of both.
 */
export function countTests(report: string, code: number): TestCounts {
  const root = report.match(/<testsuites\b[^>]*>/)?.[0] ?? "";
  const count = (name: string) => Number(root.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
  const reported = count("failures") + count("errors");
  const passed = count("tests") - count("skipped") - reported;
  const nothingRan = passed + reported === 0;
  return { passed, failed: reported === 0 && (code !== 0 || nothingRan) ? 1 : reported };
}

export function addCounts(one: TestCounts, other: TestCounts): TestCounts {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}

export function formatTestCounts({ passed, failed }: TestCounts): string {
  return `${passed} passed, ${failed} failed`;
}
