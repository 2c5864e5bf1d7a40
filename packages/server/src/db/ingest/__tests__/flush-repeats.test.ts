import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { clearRows, findLockWaits, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { createFlushRunner } from "../../../ingest/flush-runner.ts";
import { type Database, openDatabase } from "../../database.ts";
import { errorCode } from "../../database-errors.ts";
import { migratePhases } from "../../phases.ts";
import { createDb, type Sql } from "../../postgres.ts";
import { type EventRow, type FlushInput, flushEvents, NO_NOTES } from "../flush-events.ts";
import { eventRow } from "./event-row.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const opened: (() => Promise<void>)[] = [];

beforeEach(async () => {
  await database.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'w', 'w')`;
  await database.sql`INSERT INTO devices (id, name, type) VALUES ('d', 'd', 'local')`;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()));
  await clearRows(database.sql);
});

const bySet = { max: 1, plansByIndex: true, foreignKeysByRow: false };

function connect(): Sql {
  const sql = createDb(database.url, bySet);
  opened.push(() => sql.end({ timeout: 0 }));
  return sql;
}

function open(foreignKeysByRow: boolean): Database {
  const pool = openDatabase(database.url, { ...bySet, foreignKeysByRow, deadlineMs: TEST_TIMEOUT_MS });
  opened.push(pool.close);
  return pool;
}

const inputOf = (...events: EventRow[]): FlushInput => ({
  events,
  notes: NO_NOTES,
  mayHaveNewParents: false,
  projected_ids: events.map(({ id }) => id),
});
const storedIds = async () => (await database.sql`SELECT id FROM events ORDER BY id`).map(({ id }) => id);

/** A transaction that has stored the event and not yet ended. */
async function storing(event: EventRow): Promise<Sql> {
  const other = connect();
  await other`BEGIN`;
  await flushEvents(other, inputOf(event), "by-set");
  return other;
}

/** Until a backend waits for a transaction to end. */
async function untilOneWaits(): Promise<void> {
  await until(async () => (await findLockWaits(database.sql)).length > 0, { describe: "a flush that waits" });
}

describe("duplicates of events, in a flush with the batched search", () => {
  test("are left out, one or all of them", async () => {
    const sql = connect();
    const [known, fresh] = [eventRow(), eventRow()];
    await flushEvents(sql, inputOf(known), "by-set");
    const mixed = await flushEvents(sql, inputOf(known, fresh), "by-set");
    expect(mixed).toMatchObject({ stored_count: 1, stored_ids: [fresh.id] });
    const repeated = await flushEvents(sql, inputOf(known, fresh), "by-set");
    expect(repeated).toMatchObject({ stored_count: 0 });
    expect(await storedIds()).toEqual([known.id, fresh.id].sort());
    expect(await database.sql`SELECT 1 FROM change_log WHERE kind = 'events'`).toHaveLength(2);
  });

  test("end the flush with nothing stored when they were stored after it looked", async () => {
    const [contested, fresh] = [eventRow(), eventRow()];
    const other = await storing(contested);
    const code = flushEvents(connect(), inputOf(contested, fresh), "by-set").then(() => "done", errorCode);
    await untilOneWaits();
    await other`COMMIT`;
    expect(await code).toBe("23505");
    expect(await storedIds()).toEqual([contested.id]);
  });

  test("are stored when the other transaction was rolled back", async () => {
    const contested = eventRow();
    const other = await storing(contested);
    const flushed = flushEvents(connect(), inputOf(contested), "by-set").then(
      (output) => output.stored_count,
    );
    await untilOneWaits();
    await other`ROLLBACK`;
    expect(await flushed).toBe(1);
    expect(await storedIds()).toEqual([contested.id]);
  });

  test("that appear during a flush leave its other events to be stored, with per-row checks", async () => {
    const [contested, fresh] = [eventRow(), eventRow()];
    const other = await storing(contested);
    const runFlush = createFlushRunner({ database: open(true), bySetDatabase: open(false) });
    const flushed = runFlush(inputOf(contested, fresh));
    await untilOneWaits();
    await other`COMMIT`;
    expect(await flushed).toMatchObject({ stored_count: 1, stored_ids: [fresh.id] });
    expect(await storedIds()).toEqual([contested.id, fresh.id].sort());
  });
});
