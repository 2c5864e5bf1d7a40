import { expect, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatFailures, listFailedTests, listFilesWithoutResult } from "../failed-tests.ts";

const TESTS = `import { beforeAll, describe, expect, test } from "bun:test";
describe("outer & <x>", () => {
  describe("inner", () => {
    test('fails "quoted" & \\'it\\'', () => { expect(1).toBe(2); });
    test("passes", () => {});
  });
});
test("passes > at the top", () => {});
test.skip("skipped", () => {});
test("times out", () => new Promise(() => {}), 20);
describe("hooked", () => {
  beforeAll(() => { throw new Error("<testcase name='no'>"); });
  test("never runs", () => {});
});
`;

/** The JUnit report that this version of Bun writes for these files. */
async function reportOf(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-failed-tests-"));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const options = ["--reporter=junit", "--reporter-outfile=report.xml"];
    const run = Bun.spawn([process.execPath, "test", ...options], {
      cwd: folder,
      stdout: "ignore",
      stderr: "ignore",
    });
    await run.exited;
    return await readFile(join(folder, "report.xml"), "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("lists each failed test with its file, line, and groups from the outside in", async () => {
  expect(listFailedTests(await reportOf({ "a.test.ts": TESTS }))).toEqual([
    `a.test.ts:4 outer & <x> > inner > fails "quoted" & 'it'`,
    "a.test.ts:10 times out",
    "a.test.ts hooked > (unnamed)",
  ]);
});

test("lists files that failed to load and files that did not run", async () => {
  const broken = 'import { nothing } from "./missing.ts";\nnothing();\n';
  const report = await reportOf({ "a.test.ts": TESTS, "broken.test.ts": broken });
  expect(listFilesWithoutResult(report, ["a.test.ts", "broken.test.ts", "later.test.ts"])).toEqual([
    "broken.test.ts (no result: it failed to load or did not run)",
    "later.test.ts (no result: it failed to load or did not run)",
  ]);
});

test("lists nothing for a run without failures", () => {
  const report =
    '<testsuite file="a.test.ts"><testcase name="passes" file="a.test.ts" line="1" /></testsuite>';
  expect(listFailedTests(report)).toEqual([]);
  expect(listFilesWithoutResult(report, ["a.test.ts"])).toEqual([]);
});

test("keeps a long list within the end of a CI log", () => {
  const lines = formatFailures(
    Array.from({ length: 500 }, (_, index) => `file.test.ts:${index} fails`),
  ).split("\n");
  expect(lines.length).toBeLessThan(90);
  expect(lines.at(-2)).toBe("  and 440 more");
});
