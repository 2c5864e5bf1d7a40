import { afterAll, beforeAll, expect, test } from "bun:test";
import { useTestDatabase } from "@wharf/testkit";
import { createDb, type Sql } from "../postgres.ts";

const database = useTestDatabase();
let sql: Sql;
beforeAll(() => {
  sql = createDb(database.url, { max: 1, wireTypes: true });
});
afterAll(() => sql.end());

test("times are UTC text of one width for any zone they were written in, so that they sort as text", async () => {
  const [row] = await sql`
    SELECT '2025-03-14 10:00:00.5+02'::timestamptz AS half, '2025-03-14 10:00:00Z'::timestamptz AS whole,
      '2025-03-14 10:00:00.123456Z'::timestamptz AS micros, NULL::timestamptz AS none,
      ARRAY['2025-03-14 10:00:00Z'::timestamptz] AS list`;
  expect(row).toEqual({
    half: "2025-03-14T08:00:00.500000Z",
    whole: "2025-03-14T10:00:00.000000Z",
    micros: "2025-03-14T10:00:00.123456Z",
    none: null,
    list: ["2025-03-14T10:00:00.000000Z"],
  });
});

test("a time of another length or era is not mistaken for the usual one", async () => {
  const [row] = await sql`
    SELECT '10000-01-01 10:00:00.12345Z'::timestamptz AS late, '0044-03-15 10:00:00.123Z BC'::timestamptz AS early,
      'infinity'::timestamptz AS endless`;
  expect(row).toEqual({
    late: "10000-01-01T10:00:00.123450Z",
    early: "0044-03-15 10:00:00.123+00 BC",
    endless: "infinity",
  });
});

test("a time that is sent back finds its row again", async () => {
  const [row] =
    await sql`SELECT '2025-03-14T10:00:00.123456Z'::timestamptz = ${"2025-03-14T10:00:00.123456Z"} AS same`;
  expect(row).toEqual({ same: true });
});

test("whole and decimal numbers are numbers", async () => {
  const [row] =
    await sql`SELECT count(*), sum(2.5), 9007199254740991::bigint AS big FROM generate_series(1, 3)`;
  expect(row).toEqual({ count: 3, sum: 7.5, big: 9007199254740991 });
});
