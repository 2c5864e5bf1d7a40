import { beforeAll, expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { anEvent, commit, counts, end, send, start, statuses, toolUse } from "./event-factory.ts";

const server = setupApp();

beforeAll(async () => {
  // With a trigger that would not fire, a flush leaves the checks to the foreign keys.
  await server.sql.unsafe(`
    CREATE FUNCTION do_nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER foreign_trigger AFTER INSERT ON devices FOR EACH STATEMENT EXECUTE FUNCTION do_nothing();
    ALTER TABLE events ADD COLUMN stored_as TEXT DEFAULT current_setting('session_replication_role')`);
});

test("the foreign keys check each event where the flush may not, to the same answers", async () => {
  const known = toolUse("s1", 1);
  await send(server, [known]);
  const answer = await send(server, [
    start("s1", 0),
    known,
    commit(2),
    end("s2", 3),
    anEvent({ id: "no ULID" }),
  ]);
  expect(statuses(answer)).toEqual(["accepted", "duplicate", "accepted", "accepted", "rejected"]);
  const stored = await server.sql`SELECT DISTINCT stored_as FROM events`;
  expect([...stored]).toEqual([{ stored_as: "origin" }]);
  const sessions = await server.sql`SELECT id, lifecycle FROM sessions ORDER BY id`;
  expect([...sessions]).toEqual([
    { id: "s1", lifecycle: "capturing" },
    { id: "s2", lifecycle: "ended" },
  ]);
});

test("a parent that was deleted behind the server's memory is made again there too", async () => {
  await send(server, [toolUse("s1", 0), toolUse("s1", 1)]);
  await server.sql`DELETE FROM events`;
  await server.sql`DELETE FROM sessions`;
  await server.sql`DELETE FROM workspace_devices`;
  await server.sql`DELETE FROM devices`;
  expect(counts(await send(server, [toolUse("s1", 2)]))).toEqual({ ingested: 1, duplicates: 0, rejected: 0 });
  expect(await server.sql`SELECT 1 FROM sessions JOIN devices ON devices.id = device_id`).toHaveLength(1);
});

test("a session that a transaction holds locked delays the requests with its events alone, which may be repeated", async () => {
  const ask = async (...events: object[]) => {
    const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
    const body = JSON.stringify({ events });
    const response = await server.current().app.request("/api/events", { method: "POST", headers, body });
    return { status: response.status, body: await response.json() };
  };
  const elsewhere = { device_id: "desktop", workspace_id: "github.com/acme/gadgets" };
  await send(server, [toolUse("held", 0), toolUse("free", 0, elsewhere)]);
  const [held, next, free] = [
    toolUse("held", 1),
    toolUse("free", 1, elsewhere),
    toolUse("free", 2, elsewhere),
  ];
  for (const lock of [
    "SELECT FROM sessions WHERE id = 'held' FOR UPDATE",
    "UPDATE sessions SET id = 'x' WHERE false",
  ]) {
    await server.sql.begin(async (holder) => {
      await holder.unsafe(lock);
      await holder`SELECT FROM devices WHERE id = 'laptop' FOR UPDATE`;
      const [one, other] = await Promise.all([ask(held, next), ask(free)]);
      expect(one).toMatchObject({ status: 503, body: { code: "STORAGE_LOCKED" } });
      expect(other.status).toBe(202);
    });
  }
  expect((await ask(held, next, held)).body).toMatchObject({ ingested: 1, duplicates: 2 });
  expect((await ask(free)).body).toMatchObject({ duplicates: 1 });
});
