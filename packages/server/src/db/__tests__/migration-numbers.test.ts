import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { readMigrations } from "../migration-files.ts";
import { PHASES } from "../phases.ts";
import { findLockProblems, findUnboundedWrites } from "./migration-locks.ts";

/** No new file may have a number up to this one: databases that exist would apply it after those that come before it here. */
const LANDED_MAX = 192;
const LANDED = [
  100, 110, 111, 120, 121, 130, 140, 150, 151, 160, 170, 171, 180, 181, 182, 183, 184, 190, 191, 192,
];

const folders = await Promise.all(
  PHASES.map(async ({ dir }) => ({ dir: basename(dir), files: (await readMigrations(dir)).files })),
);
const numberOf = (name: string) => Number(name.slice(0, 3));
const numbersIn = (dir: string) =>
  folders
    .filter((folder) => folder.dir === dir)
    .flatMap(({ files }) => files.map(({ name }) => numberOf(name)));

describe("the numbers of migrations", () => {
  test("have three digits, so that the order of names is the order of numbers", () => {
    for (const { name } of folders.flatMap(({ files }) => files))
      expect(name).toMatch(/^\d{3}_[a-z0-9_]+\.sql$/);
  });

  test("are each used once, over all folders", () => {
    const numbers = folders.flatMap(({ files }) => files.map(({ name }) => numberOf(name)));
    expect(numbers.toSorted((a, b) => a - b)).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  });

  test("belong to their folder: the job engine has those below 100, later/ those above", () => {
    const jobs = PHASES.find(({ name }) => name.startsWith("phase 6"))?.dir ?? "";
    for (const number of numbersIn(basename(jobs))) expect(number).toBeLessThan(100);
    for (const number of numbersIn("later")) expect(number).toBeGreaterThanOrEqual(100);
  });

  test("only go up: a new file of later/ sorts after all that have landed", () => {
    expect(numbersIn("later").filter((number) => number <= LANDED_MAX)).toEqual(LANDED);
  });
});

/** Landed before this rule; a deadlock or a lock that takes too long is retried. */
const LOCK_SEVERAL = [
  "003",
  "004",
  "005",
  "008",
  "009",
  "016",
  "017",
  "018",
  "100",
  "110",
  "140",
  "160",
  "171",
  "180",
  "182",
  "191",
  "192",
  "202",
  "207",
  "210",
  "240",
  "241",
  "242",
  "243",
  "244",
  "246",
  "255",
  "260",
  "261",
  "264",
  "270",
  "281",
];

describe("the locks of migrations", () => {
  test("are on one table in each new file, and indexes of filled tables are built concurrently", () => {
    const files = folders.flatMap((folder) => folder.files);
    const problems = files.filter(({ text }) => findLockProblems(text).length > 0).map(({ name }) => name);
    expect(problems.filter((name) => !LOCK_SEVERAL.includes(name.slice(0, 3)))).toEqual([]);
    expect(problems).toHaveLength(LOCK_SEVERAL.length);
  });

  const accepted: [string, string][] = [
    ["columns of one table", "ALTER TABLE a ADD x INT; ALTER TABLE a ADD y INT; UPDATE b SET x = 1;"],
    [
      "a new table with its indexes",
      "CREATE TABLE a (x INT); CREATE INDEX a_x ON a (x); INSERT INTO a SELECT 1;",
    ],
    [
      "a trigger of one table",
      "DROP TRIGGER IF EXISTS t ON a; CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f();",
    ],
    [
      "an index",
      "-- migrate:no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS i; CREATE INDEX CONCURRENTLY i ON a (x);",
    ],
    [
      "a trigger that fires for all writers",
      "CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f(); ALTER TABLE a ENABLE ALWAYS TRIGGER t;",
    ],
    [
      "a new table that refers to one other",
      "CREATE TABLE a (x INT PRIMARY KEY REFERENCES b, y INT REFERENCES a, z INT REFERENCES b);",
    ],
    ["a comment", "-- ALTER TABLE b\nALTER TABLE a ADD x INT; /* DROP INDEX i; */"],
  ];
  test.each(accepted)("may be of %s", (_, text) => {
    expect(findLockProblems(text)).toEqual([]);
  });

  const refused: [string, string, RegExp][] = [
    [
      "two tables",
      "ALTER TABLE a ADD x INT; ALTER TABLE b ADD x INT;",
      /exclusive lock after another: ALTER TABLE b/,
    ],
    ["an index and another's removal", "CREATE INDEX i ON a (x); DROP INDEX j;", /not CONCURRENTLY/],
    [
      "a table that was written before",
      "UPDATE a SET x = 1; ALTER TABLE a ADD y INT;",
      /a stronger lock than before/,
    ],
    [
      "a table with foreign keys to two others",
      "CREATE TABLE a (x INT REFERENCES b (x), y INT REFERENCES c (y));",
      /a second table locked by a foreign key: c/,
    ],
    ["another table than that written", "DELETE FROM a; DROP TABLE b;", /an exclusive lock after another/],
    [
      "triggers of two tables",
      "CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f(); CREATE TRIGGER t AFTER INSERT ON b EXECUTE FUNCTION f();",
      /a second table/,
    ],
    [
      "a plain index without a transaction",
      "-- migrate:no-transaction\nCREATE INDEX i ON a (x);",
      /not CONCURRENTLY/,
    ],
  ];
  test.each(refused)("must not be of %s", (_, text, problem) => {
    expect(findLockProblems(text).join()).toMatch(problem);
  });
});

/** Landed before this rule: totals of workspaces and devices, which are few, and of files: an append waits for 2.3 s at 25,000. */
const WRITE_WHOLE_TABLES = ["202", "203", "325"];

describe("the writes of migrations", () => {
  test("lock no rows of a filled table until all of it is written", () => {
    const files = folders.flatMap((folder) => folder.files);
    const found = files.filter(({ text }) => findUnboundedWrites(text).length > 0).map(({ name }) => name);
    expect(found.map((name) => name.slice(0, 3))).toEqual(WRITE_WHOLE_TABLES);
  });

  const PIECES = "DO $$ BEGIN LOOP UPDATE a SET x = 1 WHERE id IN (SELECT 1); COMMIT; END LOOP; END $$;";
  const accepted: [string, string][] = [
    ["of a new table", "CREATE TABLE a (x INT); UPDATE a SET x = 1;"],
    [
      "in a function",
      "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN UPDATE a SET x = 1; END $$ LANGUAGE plpgsql;",
    ],
    ["in pieces", `-- migrate:no-transaction\n${PIECES}`],
  ];
  test.each(accepted)("may be %s", (_, text) => {
    expect(findUnboundedWrites(text)).toEqual([]);
  });

  test.each([
    "UPDATE a SET x = 1;",
    "DELETE FROM a;",
    "SELECT FROM a ORDER BY id FOR NO KEY UPDATE;",
    "-- migrate:no-transaction\nUPDATE a SET x = 1 WHERE x = 0;",
    "DO $$ BEGIN UPDATE a SET x = 1; END $$;",
    PIECES,
  ])("must not be %s", (text) => {
    expect(findUnboundedWrites(text)).toHaveLength(1);
  });
});
