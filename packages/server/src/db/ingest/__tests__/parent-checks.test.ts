import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { clearRows, findLockWaits, TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { type Database, openDatabase } from "../../database.ts";
import { errorCode } from "../../database-errors.ts";
import { migratePhases } from "../../phases.ts";
import { createDb, type Sql } from "../../postgres.ts";
import { projectSessions } from "../../projections/project-sessions.ts";
import { countSessions } from "../../projections/session-count.ts";
import { type EventRow, flushEvents, NO_NOTES } from "../flush-events.ts";
import { obstacleToChecksBySet } from "../parent-checks.ts";
import { eventRow } from "./event-row.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const opened: Sql[] = [];

beforeEach(async () => {
  await database.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'w', 'w')`;
  await database.sql`INSERT INTO devices (id, name, type) VALUES ('d', 'd', 'local')`;
  await database.sql`INSERT INTO sessions (id, workspace_id, device_id, started_at) VALUES ('s', 'w', 'd', now())`;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((sql) => sql.end({ timeout: 0 })));
  await clearRows(database.sql);
});

function connect(foreignKeysByRow: boolean): Sql {
  const sql = createDb(database.url, { max: 1, plansByIndex: true, foreignKeysByRow });
  opened.push(sql);
  return sql;
}

const anEvent = (fields: Partial<EventRow> = {}) => eventRow({ session_id: "s", ...fields });

function flush(sql: Sql, events: EventRow[], mayHaveNewParents = false) {
  const projected_ids = events.map(({ id }) => id);
  return flushEvents(sql, { events, notes: NO_NOTES, mayHaveNewParents, projected_ids }, "by-set");
}

const sqlState = (promise: PromiseLike<unknown>) =>
  Promise.resolve(promise).then(
    () => "done",
    (error: unknown) => errorCode(error),
  );
const storedIds = async () => (await database.sql`SELECT id FROM events`).map(({ id }) => id);

/** Until so many backends wait for a lock. */
async function untilWaiting(count: number): Promise<void> {
  const waits = () => findLockWaits(database.sql);
  await until(async () => (await waits()).length === count, { describe: `${count} waits for a lock` });
}

describe("a flush with the batched foreign-key check", () => {
  for (const missing of [{ workspace_id: "none" }, { device_id: "none" }, { session_id: "none" }]) {
    test(`stores nothing when one event names a parent that is not there: ${JSON.stringify(missing)}`, async () => {
      const events = [anEvent(), anEvent(missing), anEvent()];
      expect(await sqlState(flush(connect(false), events))).toBe("23503");
      expect(await storedIds()).toEqual([]);
    });
  }

  test("needs no parent of an event that it does not store, and none for an event outside sessions", async () => {
    const sql = connect(false);
    const known = anEvent();
    await flush(sql, [known]);
    await database.sql`INSERT INTO session_tombstones (session_id) VALUES ('deleted')`;
    const outside = anEvent({ session_id: null });
    const events = [known, anEvent({ session_id: "deleted" }), outside];
    expect(await flush(sql, events)).toMatchObject({ stored_count: 1, stored_ids: [outside.id] });
  });

  test("counts the parents that it writes itself", async () => {
    const sql = connect(false);
    const event = anEvent({ device_id: "new device", session_id: "new session" });
    await flush(sql, [anEvent(), event], true);
    expect(await storedIds()).toHaveLength(2);
    expect(
      await database.sql`SELECT 1 FROM sessions WHERE id = 'new session' AND device_id = 'new device'`,
    ).toHaveLength(1);
  });

  test("is followed by a projection that keeps a session at the device of its events", async () => {
    const [sql, projections] = [connect(false), connect(true)];
    const start = anEvent({ type: "session.start", session_id: "moved", data: '{"source":"startup"}' });
    await flush(sql, [start], true);
    await projectSessions(projections, [start.id]);
    await database.sql`INSERT INTO devices (id, name, type) VALUES ('new', 'new', 'local')`;
    await database.sql`UPDATE events SET device_id = 'new'`;
    await database.sql`UPDATE sessions SET device_id = 'new'`;
    await database.sql`DELETE FROM workspace_devices WHERE device_id = 'd'`;
    await database.sql`DELETE FROM devices WHERE id = 'd'`;
    const end = anEvent({
      type: "session.end",
      session_id: "moved",
      device_id: "new",
      data: '{"end_reason":"exit"}',
    });
    await flush(sql, [end]);
    expect(await sqlState(projectSessions(projections, [end.id]))).toBe("done");
    const [session] = await database.sql`SELECT device_id, lifecycle FROM sessions WHERE id = 'moved'`;
    expect(session).toEqual({ device_id: "new", lifecycle: "ended" });
  });

  test("stores new sessions uncounted, which a projection counts once", async () => {
    const count = async () => {
      const [row] = await database.sql`
        SELECT session_count::int AS sessions FROM parent_totals WHERE parent = 'device' AND id = 'd'`;
      return row?.["sessions"];
    };
    await flush(connect(false), [anEvent({ session_id: "new" })], true);
    expect(await count()).toBe(1);
    for (let n = 0; n < 2; n++) await countSessions(database.sql, ["new", "s", "none"]);
    expect(await count()).toBe(2);
    await database.sql`DELETE FROM events`;
    await database.sql`DELETE FROM sessions WHERE id = 'new'`;
    expect(await count()).toBe(1);
  });

  test("does not wait for locks on a session, a device, a link or totals of its events", async () => {
    const sql = connect(false);
    await flush(sql, [anEvent()], true);
    await countSessions(database.sql, ["s"]);
    const holder = connect(true);
    await holder`BEGIN`;
    for (const table of [
      "sessions",
      "devices",
      "workspaces",
      "workspace_devices",
      "session_totals",
      "parent_totals",
    ])
      expect(await holder`SELECT FROM ${holder(table)} FOR UPDATE`).not.toHaveLength(0);
    await flush(sql, [anEvent(), anEvent({ session_id: "another", type: "session.start" })], true);
    await holder`ROLLBACK`;
    expect(await storedIds()).toHaveLength(3);
  });

  test("yields while a parent is being deleted, and runs again afterwards", async () => {
    const deleting = connect(true);
    await deleting`BEGIN`;
    await deleting`DELETE FROM sessions WHERE id = 's'`;
    expect(await sqlState(flush(connect(false), [anEvent({ session_id: null })]))).toBe("55P03");
    expect(await storedIds()).toEqual([]);
    await deleting`ROLLBACK`;
    await flush(connect(false), [anEvent()]);
    expect(await storedIds()).toHaveLength(1);
  });
});

describe("who deletes a parent", () => {
  const deletions = {
    session: ["DELETE FROM sessions WHERE id = 's'", {}],
    "session's id": ["UPDATE sessions SET id = 'other' WHERE id = 's'", {}],
    device: ["DELETE FROM devices WHERE id = 'unused'", { device_id: "unused", session_id: null }],
    workspace: ["DELETE FROM workspaces WHERE id = 'unused'", { workspace_id: "unused", session_id: null }],
  } as const;
  for (const [parent, [statement, fields]] of Object.entries(deletions)) {
    test(`waits for the flush under way and then finds its events: ${parent}`, async () => {
      await database.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('unused', 'unused', 'unused')`;
      await database.sql`INSERT INTO devices (id, name, type) VALUES ('unused', 'unused', 'local')`;
      const flushing = connect(false);
      await flushing`BEGIN`;
      await flush(flushing, [anEvent(fields)]);
      const deletion = sqlState(connect(true).unsafe(statement));
      await untilWaiting(1);
      await flushing`COMMIT`;
      expect(await deletion).toBe("23503");
      expect(await storedIds()).toHaveLength(1);
    });
  }

  test("is seen by a flush whose snapshot is older than the deletion", async () => {
    const gate = connect(true);
    await gate`SELECT pg_advisory_lock(4711)`;
    const held = connect(false)`
      WITH waited AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(4711))
      SELECT hold_parents('{w}', '{d}', '{s}') FROM waited`;
    const answer = sqlState(held);
    await untilWaiting(1);
    await database.sql`DELETE FROM sessions WHERE id = 's'`;
    await gate`SELECT pg_advisory_unlock(4711)`;
    expect(await answer).toBe("23503");
  });
});

describe("what by-set relies on in the schema", () => {
  test("every trigger of the tables that a flush writes fires without the foreign keys too", async () => {
    const triggers = await database.sql<{ name: string; table: string; enabled: string }[]>`
      SELECT tgname AS name, tgrelid::regclass::text AS "table", tgenabled::text AS enabled
      FROM pg_trigger
      WHERE NOT tgisinternal AND tgrelid::regclass::text NOT LIKE 'job%' AND tgrelid <> 'model_responses'::regclass`;
    expect(triggers.length).toBeGreaterThan(8);
    expect(triggers.filter(({ enabled }) => enabled !== "A")).toEqual([]);
  });

  test("the tables that it writes refer to workspaces, devices and sessions alone", async () => {
    const keys = await database.sql<{ key: string }[]>`
      SELECT conrelid::regclass || ' → ' || confrelid::regclass AS key FROM pg_constraint
      WHERE contype = 'f' AND conrelid::regclass::text IN
        ('events', 'sessions', 'devices', 'workspaces', 'workspace_devices', 'change_log', 'ingest_notes', 'projection_queue')
      ORDER BY 1`;
    expect(keys.map(({ key }) => key)).toEqual([
      "events → devices",
      "events → sessions",
      "events → workspaces",
      "sessions → devices",
      // No event sets it.
      "sessions → remote_envs",
      "sessions → workspaces",
      "workspace_devices → devices",
      "workspace_devices → workspaces",
    ]);
  });
});

describe("the connections of flushes", () => {
  const ROLE = `plain_${createUlid().toLowerCase()}`;
  const databases: Database[] = [];
  afterEach(async () => {
    await Promise.all(databases.splice(0).map((one) => one.close()));
  });

  function flushesOf(url: string): Database {
    const one = openDatabase(url, { max: 1, deadlineMs: 5_000, foreignKeysByRow: false });
    databases.push(one);
    return one;
  }

  test("may leave foreign keys to the statement when their role is granted that, and else not", async () => {
    const url = new URL(database.url);
    url.username = ROLE;
    url.password = "a-password-of-this-test";
    await database.sql.unsafe(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${url.password}'`);
    try {
      expect(await obstacleToChecksBySet(flushesOf(url.href))).toContain("GRANT SET ON PARAMETER");
      await database.sql.unsafe(`GRANT SET ON PARAMETER session_replication_role TO ${ROLE}`);
      expect(await obstacleToChecksBySet(flushesOf(url.href))).toBeNull();
    } finally {
      await Promise.all(databases.splice(0).map((one) => one.close()));
      await database.sql.unsafe(`DROP OWNED BY ${ROLE}`);
      await database.sql.unsafe(`DROP ROLE ${ROLE}`);
    }
  });

  test("leave them unchecked in no case while a trigger would not fire, and report the remedy", async () => {
    await database.sql`ALTER TABLE sessions ENABLE TRIGGER sessions_added`;
    try {
      expect(await obstacleToChecksBySet(flushesOf(database.url))).toBe(
        "triggers would not fire: ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_added",
      );
      expect(await sqlState(flush(connect(false), [anEvent()]))).toBe("55000");
    } finally {
      await database.sql`ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_added`;
    }
    expect(await obstacleToChecksBySet(flushesOf(database.url))).toBeNull();
  });

  test("keep who changes triggers waiting until the flush under way has ended", async () => {
    const flushing = connect(false);
    await flushing`BEGIN`;
    await flush(flushing, [anEvent()]);
    const changing = connect(true);
    await changing`SET lock_timeout = 50`;
    expect(await sqlState(changing`ALTER TABLE sessions DISABLE TRIGGER USER`)).toBe("55P03");
    await flushing`ROLLBACK`;
  });

  test("read the latest commits, with any default isolation of the database", async () => {
    const name = new URL(database.url).pathname.slice(1);
    await database.sql.unsafe(
      `ALTER DATABASE "${name}" SET default_transaction_isolation = 'repeatable read'`,
    );
    try {
      const [row] = await connect(false)`SHOW transaction_isolation`;
      expect(row?.["transaction_isolation"]).toBe("read committed");
    } finally {
      await database.sql.unsafe(`ALTER DATABASE "${name}" RESET default_transaction_isolation`);
    }
  });

  test("are not said to have an obstacle when the database is unavailable", async () => {
    await expect(obstacleToChecksBySet(flushesOf("postgres://nobody@127.0.0.1:1/none"))).rejects.toThrow();
  });
});
