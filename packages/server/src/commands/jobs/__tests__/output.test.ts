import { describe, expect, test } from "bun:test";
import { stripVTControlCharacters } from "node:util";
import { createOutput, type Row } from "../output.ts";

const ROWS: Row[] = [
  { id: "9", state: "dead", detail: "Error: a\tlong\u001b[2J story" },
  { id: "1234", state: "completed", detail: null },
];

function written(screen: { isTTY?: boolean; columns?: number }, rows: readonly Row[], isJson = false) {
  const texts: string[] = [];
  const output = createOutput({ ...screen, write: (text) => texts.push(text) }, isJson);
  if (!output.json({ rows: rows.length })) output.rows(rows, "There are none.");
  return texts.join("");
}

describe("rows", () => {
  test("are an aligned table on a terminal, cut at its edge", () => {
    const table = stripVTControlCharacters(written({ isTTY: true, columns: 36 }, ROWS));
    expect(table.split("\n").map((line) => line.trimEnd())).toEqual([
      "ID    STATE      DETAIL",
      "9     dead       Error: a long [2J …",
      "1234  completed  -",
      "",
    ]);
  });

  test("are lines with tabs in a pipe, whole and without a head", () => {
    expect(written({}, ROWS)).toBe("9\tdead\tError: a long [2J story\n1234\tcompleted\t-\n");
  });

  test("never hold what moves a terminal's cursor", () => {
    for (const isTTY of [true, false]) expect(written({ isTTY }, ROWS)).not.toContain("\u001b[2J");
  });

  test("that are none are a sentence on a terminal, and nothing in a pipe", () => {
    expect(written({ isTTY: true }, [])).toBe("There are none.\n");
    expect(written({}, [])).toBe("");
  });

  test("are replaced by the whole response with --json: one line in a pipe", () => {
    expect(written({}, ROWS, true)).toBe('{"rows":2}\n');
    expect(written({ isTTY: true }, ROWS, true)).toBe('{\n  "rows": 2\n}\n');
  });
});
