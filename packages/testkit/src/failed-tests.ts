const FAILED_TEST = /<testcase ([^>]*")>\s*<(?:failure|error)\b/g;
const REPORTED_FILE = /\bfile="([^"]*)"/g;
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The list leaves room for the steps and the count within the last 100 lines of a CI log. */
const MAX_LISTED = 60;

/** One line for each failed test of a JUnit report by `bun test`: `path/to/file.test.ts:12 outer > inner > name`. */
export function listFailedTests(report: string): string[] {
  return Array.from(report.matchAll(FAILED_TEST), ([, attributes = ""]) => {
    const read = (name: string) => readAttribute(attributes, name);
    // Bun writes the innermost `describe` first.
    const path = [...read("classname").split(" > ").reverse(), read("name")].filter((part) => part !== "");
    return `${[read("file"), read("line")].filter((part) => part !== "").join(":")} ${path.join(" > ")}`;
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

function readAttribute(attributes: string, name: string): string {
  return decode(attributes.match(new RegExp(`(?:^|\\s)${name}="([^"]*)"`))?.[1] ?? "");
}

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code: string | undefined, name: string) =>
    code ? String.fromCodePoint(Number(code)) : (ENTITIES[name] ?? whole),
  );
}
