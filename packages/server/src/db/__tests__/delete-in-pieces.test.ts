import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { clearRows, useTestDatabase } from "@wharf/testkit";
import type { Database } from "../database.ts";
import { createDeleteInPieces, type Piece } from "../delete-in-pieces.ts";
import { PRUNED_TABLES, prune } from "../edits/retention.ts";
import { migratePhases } from "../phases.ts";
import { CONNECTIONS_DEFAULT } from "../pool-sizes.ts";
import { openPools, type Pools } from "../pools.ts";

const database = useTestDatabase({ migrate: migratePhases });
const STATEMENT_MAX_MS = 2_500;
let pools: Pools;
let deletions: Database;

beforeAll(() => {
  pools = openPools({ url: database.url, connections: CONNECTIONS_DEFAULT, deadlineMs: 10_000 });
  deletions = pools.deferrable;
});
afterEach(() => clearRows(database.sql));
afterAll(() => pools.close());

/** Answers as a table with `rows` rows would, in `msOf` milliseconds for each statement. */
function fakePieces(rows: number, onPiece: (rowsMax: number) => void = () => undefined): Piece {
  let left = rows;
  return (_, rowsMax) => {
    onPiece(rowsMax);
    const deleted = Math.min(left, rowsMax);
    left -= deleted;
    return Promise.resolve(deleted);
  };
}

const tooSlow = () =>
  Object.assign(new Error("canceling statement due to statement timeout"), { code: "57014" });

describe("deletion in pieces", () => {
  test("continues until no row is left, with more rows where statements are fast", async () => {
    const asked: number[] = [];
    let deleted = 0;
    const isDone = await createDeleteInPieces(deletions, () => 0)(
      fakePieces(50_000, (rowsMax) => asked.push(rowsMax)),
      { onDeleted: (rows) => (deleted += rows) },
    );
    expect([isDone, deleted]).toEqual([true, 50_000]);
    expect(asked.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 20_000]);
  });

  test("takes fewer rows when the last statement took longer than it should", async () => {
    let nowMs = 0;
    const asked: number[] = [];
    const slow: Piece = (_, rowsMax) => {
      asked.push(rowsMax);
      nowMs += rowsMax;
      return Promise.resolve(asked.length < 4 ? rowsMax : 0);
    };
    await createDeleteInPieces(deletions, () => nowMs)(slow);
    expect(asked).toEqual([1_000, 250, 250, 250]);
  });

  test("takes fewer rows after a statement that took too long, and fails only when a few rows take too long", async () => {
    const asked: number[] = [];
    const large: Piece = (_, rowsMax) => {
      asked.push(rowsMax);
      return rowsMax > 100 ? Promise.reject(tooSlow()) : Promise.resolve(0);
    };
    expect(await createDeleteInPieces(deletions)(large)).toBe(true);
    expect(asked).toEqual([1_000, 100]);
    const stuck: Piece = () => Promise.reject(tooSlow());
    await expect(createDeleteInPieces(deletions)(stuck)).rejects.toThrow("statement timeout");
  });

  test("ends between two statements when its signal aborts; what was deleted stays deleted", async () => {
    const controller = new AbortController();
    let deleted = 0;
    const isDone = await createDeleteInPieces(deletions)(fakePieces(1_000_000), {
      signal: controller.signal,
      onDeleted: (rows) => {
        deleted += rows;
        if (deleted >= 3_000) controller.abort();
      },
    });
    expect([isDone, deleted]).toEqual([false, 3_000]);
  });

  test("runs one statement at a time, also after one that failed", async () => {
    const deleteInPieces = createDeleteInPieces(deletions);
    let running = 0;
    const alone: Piece = async (sql) => {
      running += 1;
      expect(running).toBe(1);
      await sql`SELECT pg_sleep(0.01)`;
      running -= 1;
      return 0;
    };
    const failing = deleteInPieces(() => Promise.reject(new Error("refused")));
    const others = Array.from({ length: 5 }, () => deleteInPieces(alone));
    await expect(failing).rejects.toThrow("refused");
    expect(await Promise.all(others)).toEqual(Array(5).fill(true));
  });
});

describe("pruning", () => {
  const rowsOf = async (table: string) => (await database.sql`SELECT FROM ${database.sql(table)}`).length;

  test("deletes all that is old, however much it is, and nothing younger", async () => {
    await database.sql`
      INSERT INTO change_log (kind, created_at)
      SELECT 'events', now() - interval '25 hours' - n * interval '1 ms' FROM generate_series(1, 130000) n`;
    await database.sql`
      INSERT INTO ingest_notes (kind, created_at)
      SELECT 'rejected', now() - interval '31 days' FROM generate_series(1, 110000)`;
    await database.sql`INSERT INTO change_log (kind, created_at) VALUES ('young', now() - interval '23 hours')`;
    await database.sql`INSERT INTO ingest_notes (kind, created_at) VALUES ('young', now() - interval '29 days')`;
    const deleteInPieces = createDeleteInPieces(deletions);
    for (const table of PRUNED_TABLES) await prune(deleteInPieces, table);
    expect([await rowsOf("change_log"), await rowsOf("ingest_notes")]).toEqual([1, 1]);
  }, 60_000);

  test("deletes wide rows in statements that stay far below their limit", async () => {
    await database.sql`
      INSERT INTO change_log (kind, created_at, event_ids)
      SELECT 'events', now() - interval '25 hours', ARRAY(SELECT lpad((n * i)::text, 26, '0') FROM generate_series(1, 1000) i)
      FROM generate_series(1, 6000) n`;
    const longest = { ms: 0 };
    const timed: Database = {
      ...deletions,
      run: async (query) => {
        const beginMs = performance.now();
        const answer = await deletions.run(query);
        longest.ms = Math.max(longest.ms, performance.now() - beginMs);
        return answer;
      },
    };
    await prune(createDeleteInPieces(timed), "change_log");
    // The last row stays.
    expect(await rowsOf("change_log")).toBe(1);
    expect(longest.ms).toBeLessThan(STATEMENT_MAX_MS);
  }, 60_000);
});
