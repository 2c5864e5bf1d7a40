import { afterEach, describe, expect, test } from "bun:test";
import pino from "pino";
import { setupApp } from "../../__tests__/setup-app.ts";
import { projectEvents } from "../project-events.ts";
import { retryProjections } from "../retry-projections.ts";
import {
  anEvent,
  commit,
  counts,
  minute,
  send,
  start,
  statuses,
  toolUse,
  WORKSPACE,
} from "./event-factory.ts";
import { matchRows } from "./git-match-rows.ts";

const server = setupApp();
const silent = pino({ level: "silent" });
const undo: string[] = [];

/** Changes the schema until the end of the test. */
async function withSchema(change: string, undone: string): Promise<void> {
  undo.unshift(undone);
  await server.sql.unsafe(change);
}

afterEach(async () => {
  for (const statement of undo.splice(0)) await server.sql.unsafe(statement);
});

const countOf = async (table: string) =>
  (await server.sql<{ n: number }[]>`SELECT count(*)::int AS n FROM ${server.sql(table)}`)[0]?.n;

describe("data that Postgres refuses is rejected alone", () => {
  test("a time at an offset that no place has, which comes with others of other requests", async () => {
    const bad = anEvent({ timestamp: "2026-01-01T00:00:00+23:59" });
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, () => send(server, [anEvent()])),
      send(server, [bad]),
    ]);
    expect(answers.map((answer) => answer.ingested)).toEqual([...Array(20).fill(1), 0]);
  });

  test("by a constraint of the events themselves", async () => {
    await withSchema(
      "ALTER TABLE events ADD CONSTRAINT no_poison CHECK (type <> 'poison.pill')",
      "ALTER TABLE events DROP CONSTRAINT no_poison",
    );
    const sent = Array.from({ length: 100 }, (_, n) =>
      anEvent(n % 25 === 7 ? { type: "poison.pill" } : { session_id: "s1" }),
    );
    const answer = await send(server, sent);
    expect(counts(answer)).toEqual({ ingested: 96, duplicates: 0, rejected: 4 });
    expect(await countOf("projection_queue")).toBe(0);
    expect(counts(await send(server, sent))).toEqual({ ingested: 0, duplicates: 96, rejected: 4 });
  });
});

describe("a projection that fails", () => {
  test("does not lose its event, which is noted and projected when the cause is gone", async () => {
    await withSchema(
      "ALTER TABLE git_activity ADD CONSTRAINT no_poison CHECK (message <> 'poison')",
      "ALTER TABLE git_activity DROP CONSTRAINT IF EXISTS no_poison",
    );
    const poison = commit(5, {}, { message: "poison" });
    const named = commit(6, { session_id: "s2", device_id: "new-device" }, { message: "poison" });
    const answer = await send(server, [start("s1", 0), commit(1), poison, named, toolUse("s1", 2)]);
    expect(counts(answer)).toEqual({ ingested: 5, duplicates: 0, rejected: 0 });
    expect(await countOf("git_activity")).toBe(1);
    const queued = await server.sql<
      { event_ids: string[]; last_error: string }[]
    >`SELECT event_ids, last_error FROM projection_queue`;
    expect(queued.map((row) => row.event_ids).sort()).toEqual([[poison.id], [named.id]].sort());
    expect(queued[0]?.last_error).toContain("23514");

    const writes = server.current().pools.ingest;
    expect(await retryProjections(writes, silent)).toEqual({ rows: 0, failed: 0 });
    await server.sql`UPDATE projection_queue SET next_retry_at = now()`;
    expect(await retryProjections(writes, silent)).toEqual({ rows: 2, failed: 2 });
    const [postponed] =
      await server.sql`SELECT attempts, next_retry_at > now() AS later FROM projection_queue LIMIT 1`;
    expect(postponed).toEqual({ attempts: 2, later: true });

    await server.sql`ALTER TABLE git_activity DROP CONSTRAINT no_poison`;
    await server.sql`UPDATE projection_queue SET next_retry_at = now()`;
    expect(await retryProjections(writes, silent)).toEqual({ rows: 2, failed: 0 });
    expect(await countOf("projection_queue")).toBe(0);
    expect(await matchRows(server, poison.id)).toEqual([["s1 possible"]]);
    expect(await matchRows(server, named.id)).toEqual([["s2 exact"]]);
    expect([
      ...(await server.sql`SELECT device_id FROM workspace_devices WHERE device_id = 'new-device'`),
    ]).toHaveLength(1);
  });

  test("for all that it would do, and not for its data, leaves every event stored", async () => {
    await withSchema(
      "ALTER TABLE workspace_devices RENAME COLUMN hooks_installed TO hidden",
      "ALTER TABLE workspace_devices RENAME COLUMN hidden TO hooks_installed",
    );
    const sent = [start("s1", 3), toolUse("s1", 4), toolUse("s2", 5), anEvent()];
    expect(counts(await send(server, sent))).toEqual({ ingested: 4, duplicates: 0, rejected: 0 });
    expect(counts(await send(server, [...sent, anEvent()]))).toEqual({
      ingested: 1,
      duplicates: 4,
      rejected: 0,
    });
    expect(await countOf("projection_queue")).toBe(5);
    await server.sql.unsafe(undo.shift() ?? "");
    await server.sql`UPDATE projection_queue SET next_retry_at = now()`;
    await retryProjections(server.current().pools.ingest, silent);
    const sessions = await server.sql`SELECT id, lifecycle, started_at FROM sessions ORDER BY id`;
    expect([...sessions]).toEqual([
      { id: "s1", lifecycle: "capturing", started_at: new Date(minute(3)) },
      { id: "s2", lifecycle: "detected", started_at: new Date(minute(5)) },
    ]);
    expect(await countOf("workspace_devices")).toBe(1);
  });

  test("may be done again without an effect", async () => {
    const events = [start("s1", 0), toolUse("s1", 1), commit(2), commit(3, { session_id: "s1" })];
    await send(server, events);
    const state = async () =>
      JSON.stringify([
        await server.sql`SELECT *, NULL AS updated_at, NULL AS last_heard_at FROM sessions`,
        await server.sql`SELECT * FROM git_activity ORDER BY id`,
        await server.sql`SELECT * FROM git_matches ORDER BY git_activity_id, session_id`,
      ]);
    const before = await state();
    await projectEvents(
      server.current().pools.ingest,
      events.map(({ id }) => id),
    );
    expect(await state()).toBe(before);
  });
});

describe("after the commit", () => {
  test("a conflict while git activity is matched is retried and stores no duplicate", async () => {
    await withSchema(
      `CREATE SEQUENCE attempts;
       CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF nextval('attempts') <= 2 THEN RAISE deadlock_detected; END IF;
         RETURN NEW;
       END $$;
       CREATE TRIGGER fail_twice BEFORE INSERT ON git_matches FOR EACH ROW EXECUTE FUNCTION fail_twice()`,
      "DROP TRIGGER fail_twice ON git_matches; DROP FUNCTION fail_twice; DROP SEQUENCE attempts",
    );
    const answer = await send(server, [start("s1", 0), commit(1)]);
    expect(statuses(answer)).toEqual(["accepted", "accepted"]);
    expect(await matchRows(server)).toEqual([["s1 possible"]]);
  });

  test("matching that fails altogether leaves the events accepted, and is made up for", async () => {
    await withSchema(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
       CREATE TRIGGER refuse BEFORE INSERT ON git_matches FOR EACH ROW EXECUTE FUNCTION refuse()`,
      "DROP FUNCTION refuse CASCADE",
    );
    expect(statuses(await send(server, [start("s1", 0), commit(1)]))).toEqual(["accepted", "accepted"]);
    await server.sql.unsafe(undo.shift() ?? "");
    await server.sql`UPDATE projection_queue SET next_retry_at = now()`;
    await retryProjections(server.current().pools.ingest, silent);
    expect(await matchRows(server)).toEqual([["s1 possible"]]);
  });
});

describe("a conflict with another writer", () => {
  test("of a flush is retried and not visible in a response", async () => {
    await withSchema(
      `CREATE SEQUENCE attempts;
       CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF nextval('attempts') <= 2 THEN RAISE deadlock_detected; END IF;
         RETURN NEW;
       END $$;
       CREATE TRIGGER fail_twice BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION fail_twice()`,
      "DROP FUNCTION fail_twice CASCADE; DROP SEQUENCE attempts",
    );
    expect(statuses(await send(server, [start("s1", 0)]))).toEqual(["accepted"]);
    await server.sql`SELECT setval('attempts', 1, false)`;
    const report = { id: "s2", workspace_id: WORKSPACE, device_id: "d", started_at: minute(0) };
    expect((await server.request("POST", "/api/sessions", report)).status).toBe(201);
    expect(await countOf("projection_queue")).toBe(0);
  });
});

describe("a workspace deleted behind the cache", () => {
  const forgetInDatabase = async () => {
    await server.sql`DELETE FROM events`;
    await server.sql`DELETE FROM workspace_devices`;
    await server.sql`DELETE FROM workspaces`;
  };

  test("is made again for the events that name it by its canonical id", async () => {
    await send(server, [anEvent()]);
    await forgetInDatabase();
    expect(counts(await send(server, [anEvent(), anEvent()]))).toEqual({
      ingested: 2,
      duplicates: 0,
      rejected: 0,
    });
    expect(await countOf("workspaces")).toBe(1);
  });

  test("rejects those that name it by the id that is gone, alone", async () => {
    await send(server, [anEvent()]);
    const [{ id } = { id: "" }] = await server.sql<{ id: string }[]>`SELECT id FROM workspaces`;
    await send(server, [anEvent({ workspace_id: id })]);
    await forgetInDatabase();
    const answer = await send(server, [anEvent(), anEvent({ workspace_id: id }), anEvent()]);
    expect(statuses(answer)).toEqual(["accepted", "rejected", "accepted"]);
  });

  test("is made again for a reported session", async () => {
    await send(server, [anEvent()]);
    await forgetInDatabase();
    const report = { id: "s1", workspace_id: WORKSPACE, device_id: "d", started_at: minute(0) };
    expect((await server.request("POST", "/api/sessions", report)).status).toBe(201);
  });
});
