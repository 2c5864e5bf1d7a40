import { beforeEach, expect, test } from "bun:test";
import type postgres from "postgres";
import { clearRows } from "../clear-rows.ts";
import { useTestDatabase } from "../database.ts";

const TABLES = [
  "_migrations",
  "parents",
  "children",
  "restricted",
  "cycle_a",
  "cycle_b",
  "Odd name",
  "parted",
];

async function createTables(sql: postgres.Sql) {
  await sql.unsafe(`
    CREATE TABLE _migrations (id int PRIMARY KEY);
    CREATE TABLE parents (id int PRIMARY KEY);
    CREATE TABLE children (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES parents ON DELETE CASCADE);
    CREATE TABLE restricted (id int REFERENCES children ON DELETE RESTRICT);
    CREATE TABLE cycle_a (id int PRIMARY KEY);
    CREATE TABLE cycle_b (id int PRIMARY KEY REFERENCES cycle_a);
    ALTER TABLE cycle_a ADD FOREIGN KEY (id) REFERENCES cycle_b DEFERRABLE INITIALLY DEFERRED;
    CREATE TABLE "Odd name" (id int);
    CREATE TABLE parted (id int) PARTITION BY RANGE (id);
    CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
    CREATE VIEW view_of_parents AS SELECT * FROM parents;`);
}

const database = useTestDatabase({ migrate: createTables });

async function counts(): Promise<Record<string, number>> {
  const { sql } = database;
  const rows = await Promise.all(
    TABLES.map(async (table) => [table, (await sql`SELECT 1 FROM ${sql(table)}`).length] as const),
  );
  return Object.fromEntries(rows);
}

beforeEach(async () => {
  await database.sql.unsafe(`
    DELETE FROM _migrations; DELETE FROM restricted; DELETE FROM parents; DELETE FROM cycle_a; DELETE FROM cycle_b;
    DELETE FROM "Odd name"; DELETE FROM parted;
    INSERT INTO _migrations VALUES (1); INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1, 1);
    INSERT INTO restricted VALUES (1); INSERT INTO cycle_a VALUES (1); INSERT INTO cycle_b VALUES (1);
    INSERT INTO "Odd name" VALUES (1); INSERT INTO parted VALUES (1);
`);
});

test("empties every table except the record of migrations, with any foreign keys", async () => {
  await clearRows(database.sql);
  expect(await counts()).toEqual(
    Object.fromEntries(TABLES.map((table) => [table, table === "_migrations" ? 1 : 0])),
  );
});

test("a table that is excepted keeps its rows", async () => {
  await clearRows(database.sql, ["parents", "Odd name"]);
  expect(await counts()).toMatchObject({ parents: 1, "Odd name": 1, children: 0, _migrations: 1 });
});

test("rows that triggers add for deleted ones are deleted, too", async () => {
  const { sql } = database;
  await sql.unsafe(`
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO "Odd name" VALUES (1); RETURN NULL; END';
    CREATE TRIGGER noted AFTER DELETE ON parents FOR EACH ROW EXECUTE FUNCTION note()`);
  await clearRows(sql);
  expect(await sql`SELECT FROM "Odd name"`).toHaveLength(0);
  await sql`DROP TRIGGER noted ON parents`;
});

test("an excepted child whose parent goes is an error, and nothing is deleted", async () => {
  await expect(clearRows(database.sql, ["restricted"])).rejects.toThrow("violates");
  expect(await counts()).toMatchObject({ children: 1, "Odd name": 1 });
});
