import { expect, test } from "bun:test";
import { changeOfCall } from "../index.ts";

const PATCH = `*** Begin Patch
*** Update File: a.ts
@@ function f
-one
+two
*** Add File: b.ts
+new
*** Update File: c.ts
*** Move to: d.ts
-moved
*** End Patch`;

test("the change of a call is what its input shows of one file", () => {
  const edits = [
    { old_string: "a", new_string: "b" },
    { old_string: "c\n", new_string: "" },
  ];
  expect(changeOfCall({ file_path: "/a", old_string: "x", new_string: "y\nz" }, "/a")).toBe("-x\n+y\n+z");
  expect(changeOfCall({ file_path: "/a", edits }, "/a")).toBe("-a\n+b\n-c");
  expect(changeOfCall({ file_path: "/a", content: "one\ntwo\n" }, "/a")).toBe("+one\n+two");
  expect(changeOfCall(PATCH, "a.ts")).toBe("@@ function f\n-one\n+two");
  expect(changeOfCall({ input: PATCH }, "b.ts")).toBe("+new");
  expect(changeOfCall({ patch: PATCH }, "d.ts")).toBe("-moved");
  expect(changeOfCall({ changes: { "a.ts": { unified_diff: "@@\n-x" } } }, "a.ts")).toBe("@@\n-x");
  expect(changeOfCall({ changes: [{ path: "a.ts", content: "n" }] }, "a.ts")).toBe("+n");
});

test("a call that shows no change of the file has none", () => {
  for (const input of [
    null,
    1,
    [],
    {},
    PATCH,
    { changes: { "a.ts": 1 } },
    { changes: [] },
    { command: "rm e" },
  ])
    expect(changeOfCall(input, "e.ts")).toBeNull();
});
