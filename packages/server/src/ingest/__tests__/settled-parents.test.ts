import { describe, expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import type { EventRow } from "../../db/ingest/flush-events.ts";
import { createSettledParents, LINK_SETTLED_MS, SETTLED_PARENTS_MAX } from "../settled-parents.ts";
import { anEvent, counts, DEVICE, end, minute, send, start, toolUse, WORKSPACE } from "./event-factory.ts";

const STUB_SINCE = Date.parse("2026-03-01T10:00:00Z");

function row(fields: Partial<EventRow> = {}): EventRow {
  return {
    id: "01KC00000000000000000000ZZ",
    type: "tool.use",
    timestamp: "2026-03-01T10:05:00Z",
    device_id: "laptop",
    workspace_id: "w1",
    session_id: "s1",
    data: "{}",
    blob_refs: "[]",
    ...fields,
  };
}

const ID = row().id;
const NOTHING = { device_ids: [], session_ids: [], event_ids: [] };
const EVERYTHING = { device_ids: ["laptop"], session_ids: ["s1"], event_ids: [ID] };
const QUIET = { id: "s1", heard_ms: 10_000, stub_since_ms: STUB_SINCE };

function settledParents() {
  let now_ms = 1_000_000;
  const parents = createSettledParents(() => now_ms);
  parents.settleDevices([row()], parents.unsettled([row()]));
  parents.settleSessions([QUIET]);
  return { parents, advance: (ms: number) => (now_ms += ms) };
}

describe("what is settled", () => {
  test("is nothing at first", () => {
    expect(createSettledParents().unsettled([row()])).toEqual(EVERYTHING);
  });

  test("is what a flush has stored, or found as it should be", () => {
    expect(settledParents().parents.unsettled([row()])).toEqual(NOTHING);
  });

  test("is a device in one workspace, and not in another", () => {
    const { parents } = settledParents();
    expect(parents.unsettled([row({ workspace_id: "w2" })]).device_ids).toEqual(["laptop"]);
  });

  test("is no device of which nothing was stored", () => {
    const parents = createSettledParents();
    parents.settleDevices([], parents.unsettled([row()]));
    expect(parents.unsettled([row()]).device_ids).toEqual(["laptop"]);
  });

  test("is no session that was changed", () => {
    const parents = createSettledParents();
    parents.settleDevices([row()], parents.unsettled([row()]));
    parents.settleSessions([]);
    expect(parents.unsettled([row()])).toEqual({ ...EVERYTHING, device_ids: [] });
  });

  test("stays so for a while, however many events come meanwhile", () => {
    const { parents, advance } = settledParents();
    advance(LINK_SETTLED_MS - 1);
    parents.settleDevices([row()], parents.unsettled([row()]));
    advance(2);
    expect(parents.unsettled([row()])).toEqual({ ...NOTHING, device_ids: ["laptop"] });
    advance(20_000);
    expect(parents.unsettled([row()]).event_ids).toEqual([ID]);
  });

  test("is nothing any more when the clock is set back, nor when the database's says that a session speaks in the future", () => {
    const { parents, advance } = settledParents();
    advance(-3_600_000);
    expect(parents.unsettled([row()])).toEqual({ ...EVERYTHING, session_ids: [] });
    let now_ms = 0;
    const ahead = createSettledParents(() => now_ms);
    ahead.settleSessions([{ ...QUIET, heard_ms: -3_600_000 }]);
    expect(ahead.unsettled([row()]).event_ids).toEqual([]);
    now_ms = 31_000;
    expect(ahead.unsettled([row()]).event_ids).toEqual([ID]);
  });

  test("is forgotten when it was wrong, and when it becomes too much", () => {
    const { parents } = settledParents();
    parents.forget();
    expect(parents.unsettled([row()])).toEqual(EVERYTHING);
    const many = Array.from({ length: SETTLED_PARENTS_MAX }, (_, n) => row({ workspace_id: `w${n}` }));
    const full = settledParents().parents;
    full.settleDevices(many, { ...NOTHING, device_ids: ["laptop"] });
    expect(full.unsettled([row({ workspace_id: "w1000000" })]).device_ids).toEqual(["laptop"]);
    expect(full.unsettled([row({ workspace_id: "w7" })]).device_ids).toEqual([]);
  });
});

describe("what may change something", () => {
  test("is the start and the end of a session, and an event before a stub's beginning", () => {
    const { parents } = settledParents();
    const asked = (fields: Partial<EventRow>) => parents.unsettled([row(fields)]).event_ids;
    expect(asked({ type: "session.start" })).toEqual([ID]);
    expect(asked({ type: "session.end" })).toEqual([ID]);
    expect(asked({ timestamp: "2026-03-01T09:59:59.999999Z" })).toEqual([ID]);
    expect(asked({ timestamp: "2026-03-01T12:00:00+02:00" })).toEqual([ID]);
    expect(asked({ timestamp: "2026-03-01T12:00:01+02:00" })).toEqual([]);
  });

  test("is git activity that names no session, and nothing else that names none", () => {
    const { parents } = settledParents();
    const asked = (fields: Partial<EventRow>) => parents.unsettled([row({ session_id: null, ...fields })]);
    expect(asked({ type: "git.commit" })).toEqual({ ...NOTHING, event_ids: [ID] });
    expect(asked({ type: "system.heartbeat" })).toEqual(NOTHING);
    expect(parents.unsettled([row({ type: "git.commit" })])).toEqual(NOTHING);
  });

  test("is what names a device", () => {
    const { parents } = settledParents();
    const asked = (fields: Partial<EventRow>) => parents.unsettled([row({ session_id: null, ...fields })]);
    for (const fields of [
      { data: '{"_device_name":"Ada"}' },
      { type: "session.start" },
      { type: "system.hooks.installed" },
    ])
      expect(asked(fields)).toEqual({ ...NOTHING, event_ids: [ID] });
  });
});

describe("a settled parent", () => {
  const server = setupApp();
  const settle = async () => {
    for (let n = 0; n < 3; n++) await send(server, [toolUse("s1", 10)]);
  };

  test("that is deleted behind the server is made again", async () => {
    await settle();
    await server.sql`DELETE FROM events`;
    await server.sql`DELETE FROM sessions`;
    await server.sql`DELETE FROM workspace_devices`;
    await server.sql`DELETE FROM devices`;
    expect(counts(await send(server, [toolUse("s1", 11)]))).toEqual({
      ingested: 1,
      duplicates: 0,
      rejected: 0,
    });
    expect(await server.sql`SELECT FROM sessions JOIN workspace_devices USING (device_id)`).toHaveLength(1);
  });

  test("follows an earlier event, a start and an end all the same", async () => {
    await settle();
    await send(server, [toolUse("s1", 5)]);
    const [stub] = await server.sql`SELECT started_at FROM sessions`;
    expect(stub?.["started_at"]).toEqual(new Date(minute(5)));
    await send(server, [start("s1", 7)]);
    await settle();
    await send(server, [end("s1", 20)]);
    const [session] = await server.sql`SELECT started_at, ended_at, lifecycle FROM sessions`;
    expect(session).toEqual({
      started_at: new Date(minute(7)),
      ended_at: new Date(minute(20)),
      lifecycle: "ended",
    });
  });

  test("is named by an event that names it", async () => {
    await settle();
    await send(server, [anEvent({ data: { _device_name: "Ada's laptop" } })]);
    const [device] = await server.sql`SELECT name FROM devices WHERE id = ${DEVICE}`;
    expect(device?.["name"]).toBe("Ada's laptop");
  });

  test("stays among what a flush reports as changed", async () => {
    await settle();
    const [change] = await server.sql`
      SELECT session_ids, w.canonical_id FROM change_log, unnest(workspace_ids) AS workspace
      JOIN workspaces w ON w.id = workspace ORDER BY position DESC LIMIT 1`;
    expect(change).toEqual({ session_ids: ["s1"], canonical_id: WORKSPACE });
  });
});
