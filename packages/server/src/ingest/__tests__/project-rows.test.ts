import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { projectRows } from "../project-rows.ts";
import { commit, minute, send, start } from "./event-factory.ts";

const server = setupApp();
const EVENTS = 38;
const STATEMENT_MAX = 5;

const rowOf = (...event_ids: string[]) => ({ id: "1", event_ids, attempts: 0 });
const lifecycles = async () =>
  (await server.sql`SELECT id, lifecycle FROM sessions ORDER BY id`).map((row) => [
    row["id"],
    row["lifecycle"],
  ]);

test("projects more events than one statement takes", async () => {
  const events = Array.from({ length: EVENTS }, (_, n) =>
    n % 2 === 0
      ? start(`s${n}`, 0, {}, { device_id: `device-${n}` })
      : commit(1, { device_id: `device-${n - 1}` }),
  );
  await send(server, events);
  await server.sql`UPDATE sessions SET facts = '{}', start_reported_at = NULL, lifecycle = 'detected'`;
  await server.sql`DELETE FROM git_matches`;
  const row = rowOf(...events.map((event) => event.id));
  expect(await projectRows(server.current().pools.ingest, [row], STATEMENT_MAX)).toEqual({
    locked: [],
    unmatched: [],
    sessions: [],
    failed: [],
  });
  const sessions =
    await server.sql`SELECT lifecycle, started_at, count(*)::int AS sessions FROM sessions GROUP BY 1, 2`;
  expect([...sessions]).toEqual([
    { lifecycle: "capturing", started_at: new Date(minute(0)), sessions: EVENTS / 2 },
  ]);
  const [git] = await server.sql`SELECT count(*)::int AS matched FROM git_matches`;
  expect(git?.["matched"]).toBe(EVENTS / 2);
});

test("passes over a locked session without counting an attempt, and projects the others", async () => {
  const events = [start("s1", 0), start("s2", 0, {}, { device_id: "desktop" })];
  await send(server, events);
  await server.sql`UPDATE sessions SET facts = '{}', start_reported_at = NULL, lifecycle = 'detected'`;
  const row = rowOf(...events.map((event) => event.id));
  const writes = server.current().pools.ingest;
  for (const lock of ["FOR UPDATE", "FOR NO KEY UPDATE"]) {
    await server.sql.begin(async (holder) => {
      await holder.unsafe(`SELECT FROM sessions WHERE id = 's1' ${lock}`);
      const { locked, failed } = await projectRows(writes, [row]);
      expect(locked).toMatchObject([{ event_ids: [events[0]?.id], attempts: 0 }]);
      expect(failed).toEqual([]);
    });
    expect(await lifecycles()).toEqual([
      ["s1", "detected"],
      ["s2", "capturing"],
    ]);
  }
  const queued = await server.sql`SELECT DISTINCT last_error FROM projection_queue`;
  expect([...queued]).toEqual([{ last_error: "its session or device is locked by a transaction" }]);
});

test("passes over a locked device", async () => {
  const event = start("s1", 0, { _device_name: "Ada" });
  await send(server, [event]);
  await server.sql`UPDATE devices SET name = 'unknown-device', name_said_at = NULL`;
  const writes = server.current().pools.ingest;
  await server.sql.begin(async (holder) => {
    await holder`SELECT FROM devices FOR NO KEY UPDATE`;
    expect((await projectRows(writes, [rowOf(event.id)])).locked).toMatchObject([{ event_ids: [event.id] }]);
  });
  expect((await projectRows(writes, [rowOf(event.id)])).locked).toEqual([]);
  expect((await server.sql`SELECT name FROM devices`)[0]).toEqual({ name: "Ada" });
});

test("halves a portion until the failing event is alone, and projects the others", async () => {
  const events = Array.from({ length: 9 }, (_, n) => start(`s${n}`, 0));
  await server.sql.unsafe(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF NEW.id = 's4' AND NEW.lifecycle = 'capturing' THEN RAISE 'no'; END IF;
       RETURN NEW;
     END $$;
     CREATE TRIGGER refuse BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION refuse()`,
  );
  try {
    await send(server, events);
  } finally {
    await server.sql.unsafe("DROP FUNCTION refuse CASCADE");
  }
  const failed = (await lifecycles()).filter(([, lifecycle]) => lifecycle !== "capturing");
  expect(failed).toEqual([["s4", "detected"]]);
  const queued = await server.sql`SELECT event_ids, attempts, last_error FROM projection_queue`;
  expect([...queued]).toEqual([
    { event_ids: [events[4]?.id], attempts: 1, last_error: "no (SQLSTATE P0001)" },
  ]);
});

test("halves no more than it should in one round, and tries the rest again later", async () => {
  const events = Array.from({ length: 200 }, (_, n) => commit(n));
  await send(server, events);
  await server.sql`DELETE FROM git_activity`;
  await server.sql`ALTER TABLE git_activity ADD CONSTRAINT none CHECK (type = '') NOT VALID`;
  const writes = server.current().pools.ingest;
  try {
    const { failed } = await projectRows(writes, [rowOf(...events.map((event) => event.id))], 200);
    expect(failed.length).toBeGreaterThan(0);
    const queued = await server.sql<{ event_ids: string[]; attempts: number }[]>`
      SELECT event_ids, attempts FROM projection_queue WHERE next_retry_at > now()`;
    const delayed = queued.filter(({ attempts }) => attempts === 0);
    expect(delayed.length).toBeGreaterThan(0);
    expect(queued.flatMap(({ event_ids }) => event_ids).sort()).toEqual(events.map(({ id }) => id).sort());
  } finally {
    await server.sql`ALTER TABLE git_activity DROP CONSTRAINT none`;
  }
});
