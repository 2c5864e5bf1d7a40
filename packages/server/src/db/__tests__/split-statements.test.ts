import { describe, expect, test } from "bun:test";
import { splitStatements } from "../split-statements.ts";

describe("a script is split at its semicolons", () => {
  test("with the last one left out or not", () => {
    expect(splitStatements("SELECT 1; SELECT 2")).toEqual(["SELECT 1", "SELECT 2"]);
    expect(splitStatements("SELECT 1;\nSELECT 2;\n")).toEqual(["SELECT 1", "SELECT 2"]);
  });

  test("and empty statements and lone comments are no statements", () => {
    expect(splitStatements("")).toEqual([]);
    expect(splitStatements(" ;; -- nothing; here\n; /* nor; here */")).toEqual([]);
  });
});

describe("a semicolon ends nothing", () => {
  const whole = [
    "SELECT 1 -- one; and only\n + 1",
    "SELECT 1 /* one; \n and only */ + 1",
    "SELECT 'a;b'",
    "SELECT 'it''s; -- here'",
    String.raw`SELECT E'it\'s; here'`,
    String.raw`SELECT e'a backslash \\' || ';'`,
    'SELECT 1 AS "a;""b"',
    "DO $$ BEGIN PERFORM 1; END $$",
    "DO $body$ BEGIN EXECUTE $$ SELECT 1; $$; END $body$",
    "SELECT $é1$;$é1$",
  ];
  for (const statement of whole) {
    test(`within ${JSON.stringify(statement)}`, () => {
      expect(splitStatements(`${statement}; SELECT 2`)).toEqual([statement, "SELECT 2"]);
    });
  }
});

describe("a semicolon ends a statement", () => {
  test("after a dollar sign within a name, which opens no string", () => {
    expect(splitStatements("SELECT a$b$ FROM x; SELECT c$b$ FROM y")).toEqual([
      "SELECT a$b$ FROM x",
      "SELECT c$b$ FROM y",
    ]);
  });

  test("after a plain string that ends with a backslash", () => {
    expect(splitStatements(String.raw`SELECT 'a\'; SELECT 'b'`)).toEqual([
      String.raw`SELECT 'a\'`,
      "SELECT 'b'",
    ]);
  });

  test("after a parameter-like dollar number", () => {
    expect(splitStatements("SELECT $1; SELECT $1")).toEqual(["SELECT $1", "SELECT $1"]);
  });
});
