import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { useTestDatabase } from "@wharf/testkit";
import { migratePhases } from "../../phases.ts";
import { closeDb, createDb, type Sql } from "../../postgres.ts";
import { listSessions } from "../sessions.ts";

const database = useTestDatabase({ migrate: migratePhases });
/** So many that Postgres expects to fill a page sooner by time than by the index of tags. */
const SESSIONS = 60_000;
/** As many as a page has, a few times. */
const ROWS_READ_MAX = 500;
let sql: Sql;

beforeAll(async () => {
  // One connection, so that statistics of a transaction are those of the list alone.
  sql = createDb(database.url, { max: 1 });
  await database.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'w', 'w')`;
  await database.sql`INSERT INTO devices (id, name, type) VALUES ('d', 'd', 'local')`;
  await database.sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at, tags)
    SELECT 's' || n, 'w', 'd', timestamptz '2025-01-01 00:00Z' + make_interval(secs => n),
      CASE WHEN n < 3 THEN ARRAY['old', 'common'] ELSE ARRAY['common'] END
    FROM generate_series(1, ${SESSIONS}) AS n`;
  await database.sql`ANALYZE sessions`;
});
afterAll(async () => {
  await closeDb(sql);
});

async function rowsReadSoFar(): Promise<number> {
  const [statistics] = await sql<{ rows: number }[]>`
    SELECT (seq_tup_read + idx_tup_fetch)::int AS rows FROM pg_stat_xact_user_tables WHERE relname = 'sessions'`;
  return statistics?.rows ?? Number.NaN;
}

/** The ids of a page, and how many rows of sessions were read for it. */
async function read(tag: string, limit = 10) {
  // Statistics are handed on between transactions.
  await sql`BEGIN`;
  const before = await rowsReadSoFar();
  const rows = await listSessions(sql, { tag }, null, limit);
  const rowsRead = (await rowsReadSoFar()) - before;
  await sql`COMMIT`;
  return { ids: rows.map(({ id }) => id), rowsRead };
}

describe("a list of the sessions with a tag reads few of the others", () => {
  test("where no session has it", async () => {
    const { ids, rowsRead } = await read("unknown");
    expect(ids).toEqual([]);
    expect(rowsRead).toBeLessThan(ROWS_READ_MAX);
  });

  test("where only the oldest sessions have it", async () => {
    const { ids, rowsRead } = await read("old");
    expect(ids).toEqual(["s2", "s1"]);
    expect(rowsRead).toBeLessThan(ROWS_READ_MAX);
  });

  test("where all sessions have it", async () => {
    const { ids, rowsRead } = await read("common", 3);
    expect(ids).toEqual([SESSIONS, SESSIONS - 1, SESSIONS - 2].map((n) => `s${n}`));
    expect(rowsRead).toBeLessThan(ROWS_READ_MAX);
  });
});

test("filters and pages of a tag that few sessions have", async () => {
  const filters = { tag: "old", device_id: "d" };
  const [first] = await listSessions(sql, filters, null, 1);
  expect(first?.id).toBe("s2");
  const next = await listSessions(sql, filters, [first?.started_at ?? "", "s2"], 1);
  expect(next.map(({ id }) => id)).toEqual(["s1"]);
  expect(await listSessions(sql, { ...filters, device_id: "other" }, null, 1)).toEqual([]);
  expect(await listSessions(sql, { tag: "old' OR true --" }, null, 1)).toEqual([]);
});
