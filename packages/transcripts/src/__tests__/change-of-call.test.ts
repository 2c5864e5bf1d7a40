import { expect, test } from "bun:test";
import fc from "fast-check";
import { diffLines, linesOf } from "../calls/line-diff.ts";
import { changeOfCall, describeCall } from "../index.ts";

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
  expect(changeOfCall({ file_path: "/a", edits }, "/a")).toBe("-a\n+b\n@@\n-c");
  expect(changeOfCall({ file_path: "/a", content: "one\ntwo\n" }, "/a")).toBe("+one\n+two");
  expect(changeOfCall(PATCH, "a.ts")).toBe("@@ function f\n-one\n+two");
  expect(changeOfCall({ input: PATCH }, "b.ts")).toBe("+new");
  expect(changeOfCall({ patch: PATCH }, "d.ts")).toBe("-moved");
  expect(changeOfCall({ changes: { "a.ts": { unified_diff: "@@\n-x" } } }, "a.ts")).toBe("@@\n-x");
  expect(changeOfCall({ changes: [{ path: "a.ts", content: "n" }] }, "a.ts")).toBe("+n");
});

test("an edit keeps the lines that are common, three around each change", () => {
  const before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj";
  const edit = {
    file_path: "/a",
    old_string: before,
    new_string: before.replace("b", "B").replace("j", "J\nK"),
  };
  expect(changeOfCall(edit, "/a")).toBe(" a\n-b\n+B\n c\n d\n e\n@@\n g\n h\n i\n-j\n+J\n+K");
  expect(describeCall("Edit", edit).writes).toEqual([{ path: "/a", added: 3, removed: 2 }]);
  expect(changeOfCall({ file_path: "/a", old_string: "a\nb", new_string: "a\nb" }, "/a")).toBe("");
});

test("an edit of very long texts replaces what is between their common ends", () => {
  const lines = (of: string) =>
    Array.from({ length: 600 }, (_, index) => `${of}${index % 2 === 0 ? index : ""}`);
  const edit = { file_path: "/a", old_string: lines("a").join("\n"), new_string: lines("b").join("\n") };
  expect(
    changeOfCall(edit, "/a")
      ?.split("\n")
      .map((line) => line[0])
      .join(""),
  ).toBe("-".repeat(600) + "+".repeat(600));
});

test("the lines of a diff make both texts", () => {
  const texts = fc
    .array(fc.constantFrom("a", "b", "c", ""), { maxLength: 12 })
    .map((lines) => lines.join("\n"));
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      const lines = diffLines(before, after);
      const of = (sign: string) =>
        lines.filter((line) => line.sign === " " || line.sign === sign).map(({ line }) => line);
      expect([of("-"), of("+")]).toEqual([linesOf(before), linesOf(after)]);
    }),
  );
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
