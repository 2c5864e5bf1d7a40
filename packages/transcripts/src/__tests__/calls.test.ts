import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { commandsOf } from "../calls/shell.ts";
import { describeCall, exitCodeOf, type JsonValue, printedCommits, readTestRun } from "../index.ts";

describe("a call", () => {
  test.each<[string, JsonValue, object]>([
    ["Read", { file_path: "/a" }, { reads: ["/a"] }],
    ["read_file", { absolute_path: "/a" }, { reads: ["/a"] }],
    ["Write", { file_path: "/a", content: "1\n2\n" }, { writes: [{ path: "/a", added: 2, removed: null }] }],
    ["Write", { file_path: "/a", content: "" }, { writes: [{ path: "/a", added: 0, removed: null }] }],
    [
      "Edit",
      { file_path: "/a", old_string: "x\nold\ny", new_string: "x\nnew\nmore\ny" },
      { writes: [{ path: "/a", added: 2, removed: 1 }] },
    ],
    ["shell_command", { command: "make", workdir: "/a" }, { command: "make" }],
    [
      "MultiEdit",
      {
        file_path: "/a",
        edits: [
          { old_string: "a", new_string: "b" },
          { old_string: "c", new_string: "" },
        ],
      },
      { writes: [{ path: "/a", added: 1, removed: 2 }] },
    ],
    [
      "edit",
      { filePath: "/a", oldString: "", newString: "b" },
      { writes: [{ path: "/a", added: 1, removed: 0 }] },
    ],
    [
      "NotebookEdit",
      { notebook_path: "/n", new_source: "x" },
      { writes: [{ path: "/n", added: null, removed: null }] },
    ],
    ["Bash", { command: "ls -la" }, { command: "ls -la" }],
    ["shell", { command: ["bash", "-lc", "make test"] }, { command: "make test" }],
    ["exec_command", { cmd: "ls" }, { command: "ls" }],
    ["shell", { command: ["git", "status"] }, { command: "git status" }],
    [
      "apply_patch",
      "*** Begin Patch\n*** Update File: a.ts\n@@\n-old\n+new\n+more\n*** Add File: b.ts\n+x\n*** Update File: c.ts\n*** Move to: d.ts\n*** End Patch",
      {
        writes: [
          { path: "a.ts", added: 2, removed: 1 },
          { path: "b.ts", added: 1, removed: 0 },
          { path: "d.ts", added: 0, removed: 0 },
        ],
      },
    ],
    [
      "apply_patch",
      { changes: { "a.ts": { unified_diff: "--- a\n+++ b\n@@\n-x\n+y\n+z" }, "b.ts": { content: "1\n" } } },
      {
        writes: [
          { path: "a.ts", added: 2, removed: 1 },
          { path: "b.ts", added: 1, removed: null },
        ],
      },
    ],
  ])("of %s is described", (tool, input, expected) => {
    expect(describeCall(tool, input)).toEqual({ reads: [], writes: [], command: null, ...expected });
  });

  test("of another tool, or with an odd input, says nothing", () => {
    const nothing = { reads: [], writes: [], command: null };
    for (const tool of ["Grep", "Read", "Edit", "Bash", "apply_patch", null]) {
      for (const input of [null, 1, "x", [], {}, { command: 5, file_path: 7, changes: 1 }])
        expect(describeCall(tool, input)).toEqual(nothing);
    }
  });
});

describe("a shell line", () => {
  test.each([
    ["cd a && git commit -m 'x; y' | tail", [["cd", "a"], ["git", "commit", "-m", "x; y"], ["tail"]]],
    ['A=1 sudo env B=2 make "all \\"x\\"" &', [["make", 'all \\"x\\"']]],
    ["echo $(git log)\nls", [["echo", "$"], ["git", "log"], ["ls"]]],
    ["git \\\n  commit", [["git", "commit"]]],
    ["echo 'never closed", [["echo", "never closed"]]],
    ["", []],
  ])("%j has these commands", (line, commands) => {
    expect(commandsOf(line)).toEqual(commands);
  });

  test("of any text is read without an error", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (line) => expect(() => commandsOf(line)).not.toThrow()),
    );
  });
});

describe("commits", () => {
  const printed = "[main 1a2b3c4] Add a thing\n 1 file changed";

  test.each([
    ["git commit -m 'Add a thing'", printed, [{ branch: "main", sha: "1a2b3c4" }]],
    ["cd x && git -C y -c a=b commit -am z", printed, [{ branch: "main", sha: "1a2b3c4" }]],
    ["git commit", "[main (root-commit) 1a2b3c4d] First", [{ branch: "main", sha: "1a2b3c4d" }]],
    ["git cherry-pick x", "[detached HEAD abcdef1] A", [{ branch: "detached HEAD", sha: "abcdef1" }]],
    ["git log", printed, []],
    ["echo git commit; cat log", printed, []],
    ["git show commit", printed, []],
    ["git commit", "[main 1a2b3c] too short\nnote [main 1a2b3c4] not at the start", []],
    ["git --help commit-tree", printed, []],
  ])("of %j are those that it printed", (command, output, commits) => {
    expect(printedCommits(command, output)).toEqual(commits);
  });
});

describe("a run of tests", () => {
  test.each([
    ["bun test", " 12 pass\n 0 fail\n", 0, { passed: 12, failed: 0, is_success: true }],
    [
      "cd a && npx jest --ci",
      "Tests:       1 failed, 5 passed, 6 total",
      1,
      { passed: 5, failed: 1, is_success: false },
    ],
    [
      "npx vitest run",
      "      Tests  2 failed | 3 passed (5)",
      1,
      { passed: 3, failed: 2, is_success: false },
    ],
    [
      "cargo test",
      "test result: ok. 5 passed; 0 failed; 0 ignored",
      0,
      { passed: 5, failed: 0, is_success: true },
    ],
    [
      "python -m pytest -q",
      "==== 1 failed, 3 passed in 0.1s ====",
      1,
      { passed: 3, failed: 1, is_success: false },
    ],
    ["uv run pytest", "==== 3 passed in 0.1s ====", null, { passed: 3, failed: 0, is_success: true }],
    ["npx mocha", "  3 passing (5ms)\n  1 failing", 1, { passed: 3, failed: 1, is_success: false }],
    ["go test ./...", "ok  a 0.1s", 0, { passed: null, failed: null, is_success: true }],
    ["make test", "nothing", null, { passed: null, failed: null, is_success: null }],
    ["bun test", " 1 pass\n 3 fail\n 4 pass\n 0 fail", 0, { passed: 4, failed: 0, is_success: true }],
    ["bun test", " 4 pass\n 0 fail", 1, { passed: 4, failed: 0, is_success: false }],
  ])("by %s is read from its output", (command, output, exitCode, expected) => {
    expect(readTestRun(command, output, exitCode)).toEqual(expected);
  });

  test("reads an output without a sum in a time that grows with its length", () => {
    for (const line of ["\n", " \n", "Tests: ", "=", "= ", "9", "test result:", "\r"]) {
      const output = line.repeat(Math.ceil(1_000_000 / line.length));
      expect(readTestRun("npm test", output, 1)).toEqual({ passed: null, failed: null, is_success: false });
    }
  });

  test("is none where a command only mentions tests", () => {
    for (const command of ["echo bun test", "cat test.log", "git commit -m 'pytest'", "bun run build"])
      expect(readTestRun(command, "3 passed", 0)).toBeNull();
  });
});

test("finds the exit code that an agent states, at its own place alone", () => {
  expect(exitCodeOf("Exit code 2\nboom")).toBe(2);
  expect(exitCodeOf("Exit code: 3\nWall time: 0.1 seconds\nOutput:\n")).toBe(3);
  expect(exitCodeOf("Chunk ID: 1\nProcess exited with code 0\nOutput:")).toBe(0);
  expect(exitCodeOf("Output: x\nExit Code: 127\n")).toBe(127);
  expect(exitCodeOf("the Exit code 2 was printed")).toBeNull();
});
