import { decode, readTestCases } from "./junit.ts";

const REPORTED_FILE = /\bfile="([^"]*)"/g;

/** The list leaves room for the steps and the count within the last 100 lines of a CI log. */
const MAX_LISTED = 60;

/** One line for each failed test of a JUnit report by `bun test`: `path/to/file.test.ts:12 outer > inner > name`. */
export function listFailedTests(report: string): string[] {
  return readTestCases(report)
    .filter(({ result }) => result === "failed")
    .map(({ file, line, classname, name }) => {
      const path = [...classname.split(" > ").reverse(), name].filter((part) => part !== "");
      return `${[file, line].filter((part) => part !== "").join(":")} ${path.join(" > ")}`;
    });
}

/** Files of `expected` without a result in the report: they failed to load, or the run ended before them. */
export function listFilesWithoutResult(report: string, expected: readonly string[]): string[] {
  const reported = new Set(Array.from(report.matchAll(REPORTED_FILE), ([, file = ""]) => decode(file)));
  return expected
    .filter((file) => !reported.has(file))
    .map((file) => `${file} (no result: it failed to load or did not run)`);
}

export function formatFailures(failures: readonly string[]): string {
  const rest = failures.length - MAX_LISTED;
  return [...failures.slice(0, MAX_LISTED), ...(rest > 0 ? [`and ${rest} more`] : [])]
    .map((line) => `  ${line}\n`)
    .join("");
}
