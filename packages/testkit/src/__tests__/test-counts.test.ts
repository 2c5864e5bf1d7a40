import { expect, test } from "bun:test";
import { addCounts, countTests, formatTestCounts } from "../test-counts.ts";

const report = (attributes: string) =>
  `<?xml version="1.0"?>\n<testsuites name="bun test" ${attributes}>\n<testsuite name="a" tests="99" failures="99"/></testsuites>`;

test("counts are those of the whole run, without what was skipped", () => {
  expect(countTests(report('tests="10" assertions="12" failures="2" skipped="1"'), 1)).toEqual({
    passed: 7,
    failed: 2,
  });
});

test("a run that failed without a failed test counts one: a file could not be loaded", () => {
  expect(countTests(report('tests="4" failures="0" skipped="0"'), 1)).toEqual({ passed: 4, failed: 1 });
});

test("a run of no test at all has failed", () => {
  expect(countTests(report('tests="0" failures="0" skipped="0"'), 0)).toEqual({ passed: 0, failed: 1 });
  expect(countTests(report('tests="3" failures="0" skipped="3"'), 0)).toEqual({ passed: 0, failed: 1 });
});

test("a run that left no report has failed", () => {
  expect(countTests("", 0)).toEqual({ passed: 0, failed: 1 });
});

test("the counts of two runs are added", () => {
  expect(addCounts({ passed: 3, failed: 0 }, { passed: 4, failed: 1 })).toEqual({ passed: 7, failed: 1 });
});

test("the line has the shape that scripts look for", () => {
  expect(formatTestCounts({ passed: 412, failed: 0 })).toBe("412 passed, 0 failed");
});
