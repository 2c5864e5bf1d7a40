import { beforeEach, describe, expect, test } from "bun:test";
import { clearRows, findLockWaits, until, useTestDatabase } from "@wharf/testkit";
import pino from "pino";
import {
  anEvent,
  end,
  minute,
  type SentEvent,
  start,
  toolUse,
} from "../../../ingest/__tests__/event-factory.ts";
import { refreshOutdatedSessions } from "../../../ingest/refresh-sessions.ts";
import { openDatabase } from "../../database.ts";
import { reportSession } from "../../edits/session-reports.ts";
import { migratePhases } from "../../phases.ts";
import { projectSessions, refreshSessions } from "../project-sessions.ts";
import { keptStatements } from "../read-statements.ts";
import { readSessions, readSessionsOfEvents } from "../touched-sessions.ts";

const database = useTestDatabase({ migrate: migratePhases });
const WORKSPACE = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const MANY = 3_000;

beforeEach(async () => {
  await clearRows(database.sql);
  await database.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES (${WORKSPACE}, 'github.com/acme/widgets', 'widgets')`;
  await database.sql`INSERT INTO devices (id, name, type) VALUES ('laptop', 'laptop', 'local'), ('server', 'server', 'remote')`;
});

/** Stores events with stubs of their sessions, as a flush does; answers with the events' ids. */
async function store(events: readonly SentEvent[]): Promise<string[]> {
  const rows = JSON.stringify(events.map((event) => ({ ...event, workspace_id: WORKSPACE })));
  const sent = database.sql`
    jsonb_to_recordset((${rows}::text)::jsonb) AS e (
      id text, type text, timestamp timestamptz, device_id text, workspace_id text, session_id text, data jsonb
    )`;
  await database.sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at)
    SELECT DISTINCT ON (session_id) session_id, workspace_id, device_id, timestamp FROM ${sent} ORDER BY session_id, timestamp, id
    ON CONFLICT DO NOTHING`;
  await database.sql`
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
    SELECT id, type, timestamp, device_id, workspace_id, session_id, data FROM ${sent}`;
  return events.map(({ id }) => id);
}

const prompt = (session_id: string, at: number, text: string, device_id = "laptop") =>
  anEvent({ type: "agent.prompt", session_id, timestamp: minute(at), data: { text }, device_id });

/** With times as text: toMatchObject takes any two Dates for equal. */
async function session(id = "s1") {
  const [row] = await database.sql`SELECT * FROM sessions WHERE id = ${id}`;
  return row === undefined ? undefined : JSON.parse(JSON.stringify(row));
}

const report = (fields: object = {}) =>
  reportSession(
    database.sql,
    JSON.stringify({
      id: "s1",
      workspace_id: WORKSPACE,
      device_id: "laptop",
      started_at: minute(0),
      tags: [],
      metadata: {},
      fills_gaps: false,
      ...fields,
    }),
  );

/** A transaction that changes a session and keeps it locked until `commit`. */
async function holdSession(id: string) {
  const holder = await database.sql.reserve();
  await holder`BEGIN`;
  await holder`UPDATE sessions SET summary = 'held' WHERE id = ${id}`;
  return {
    holder,
    commit: async () => {
      await holder`COMMIT`;
      holder.release();
    },
  };
}

const isWaiting = () => until(async () => (await findLockWaits(database.sql)).length > 0);

describe("sessions that others write", () => {
  test("are passed over while they are locked, and the others are projected", async () => {
    const ids = await store([start("s1", 0), start("s2", 0)]);
    const { commit } = await holdSession("s1");
    expect(await projectSessions(database.sql, ids)).toEqual({ changed: ["s2"], locked: ["s1"] });
    await commit();
    expect(await session("s1")).toMatchObject({ lifecycle: "detected", summary: "held" });
    expect(await projectSessions(database.sql, ids)).toEqual({ changed: ["s1", "s2"], locked: [] });
    expect(await session("s1")).toMatchObject({ lifecycle: "capturing", summary: "held" });
  });

  test("are derived again from what the other writer has added", async () => {
    await store([start("s1", 5)]);
    const { holder, commit } = await holdSession("s1");
    await holder`
      INSERT INTO session_reports (session_id, kind, at, workspace_id, device_id, model)
      VALUES ('s1', 'report', ${minute(1)}, ${WORKSPACE}, 'laptop', 'large')`;
    const refreshed = refreshSessions(database.sql, ["s1"]);
    await isWaiting();
    await commit();
    await refreshed;
    expect(await session()).toMatchObject({
      started_at: minute(1),
      model: "large",
    });
  });

  test("are passed over when they changed after they were read", async () => {
    const ids = await store([start("s1", 5), start("s2", 5)]);
    const { sql } = database;
    const writingMeanwhile = new Proxy(sql, {
      apply: (target, self, [parts, ...values]) =>
        String(parts[0]).includes("WITH folded")
          ? sql`UPDATE sessions SET summary = 'new' WHERE id = 's1'`.then(() => target(parts, ...values))
          : Reflect.apply(target, self, [parts, ...values]),
    });
    expect(await projectSessions(writingMeanwhile, ids)).toEqual({ changed: ["s2"], locked: ["s1"] });
    expect(await session()).toMatchObject({ lifecycle: "detected", summary: "new" });
  });

  test("that are deleted meanwhile stay deleted", async () => {
    await store([start("s1", 5)]);
    await database.sql`DELETE FROM events`;
    const { holder, commit } = await holdSession("s1");
    await holder`DELETE FROM sessions WHERE id = 's1'`;
    const refreshed = refreshSessions(database.sql, ["s1"]);
    await commit();
    await refreshed;
    expect(await session()).toBeUndefined();
  });
});

describe("what is known of a session", () => {
  test("is read in few rows, however many starts and ends it has", async () => {
    const starts = Array.from({ length: MANY }, (_, n) =>
      start("s1", n * 2, { source: "resume", model: `m${n}` }),
    );
    const ends = Array.from({ length: MANY }, (_, n) => end("s1", n * 2 + 1));
    const ids = await store([...starts, ...ends]);
    const [known] = await readSessions(database.sql, ["s1"]);
    expect(known?.statements?.length).toBeLessThan(100);
    await projectSessions(database.sql, ids);
    expect(await session()).toMatchObject({
      started_at: minute(0),
      resumed_at: minute(MANY * 2 - 2),
      ended_at: minute(MANY * 2 - 1),
      model: "m0",
      lifecycle: "ended",
    });
  });

  test("does not hold reports of which nothing stands", async () => {
    for (let n = 0; n < 5; n++) {
      await report({ started_at: minute(n), model: `m${n}`, ended_at: minute(10 + n) });
      await report({ started_at: minute(n), model: `m${n}`, ended_at: minute(10 + n) });
      await refreshSessions(database.sql, ["s1"]);
    }
    const kept = await database.sql`SELECT at, model FROM session_reports ORDER BY at`;
    expect(kept.map(({ model }) => model)).toEqual(["m0", "m4"]);
    expect(await session()).toMatchObject({ model: "m0", ended_at: minute(14) });
  });

  test("keeps numbers and keys of metadata as they were reported", async () => {
    const metadata = '{"n": 12345678901234567890.5, "__proto__": {"b": 1e5}, "none": null}';
    await report();
    await database.sql`UPDATE session_reports SET metadata = ${metadata}::text::jsonb`;
    await refreshSessions(database.sql, ["s1"]);
    const [kept] = await database.sql`SELECT metadata = ${metadata}::text::jsonb AS same FROM sessions`;
    expect(kept?.["same"]).toBe(true);
  });

  test("keeps microseconds", async () => {
    const timestamp = "2026-03-01T10:00:00.123457Z";
    await projectSessions(database.sql, await store([start("s1", 0, {}, { timestamp })]));
    const [row] =
      await database.sql`SELECT started_at = ${timestamp}::text::timestamptz AS same FROM sessions`;
    expect(row?.["same"]).toBe(true);
  });

  test("begins with the smallest id of the events of one instant", async () => {
    const first = toolUse("s1", 1, { device_id: "server", id: "00000000000000000000000000" });
    const ids = await store([toolUse("s1", 1), toolUse("s1", 1), first]);
    await projectSessions(database.sql, ids);
    expect(await session()).toMatchObject({ device_id: "server" });
  });
});

test("a session was asked the first prompt of its owner's events, whenever that arrives", async () => {
  const later = await store([
    toolUse("s1", 1),
    prompt("s1", 5, "later"),
    prompt("s1", 3, ""),
    prompt("s1", 2, "other", "server"),
  ]);
  await projectSessions(database.sql, later);
  expect(await session()).toMatchObject({ initial_prompt: "later" });
  await projectSessions(database.sql, await store([prompt("s1", 4, "first")]));
  expect(await session()).toMatchObject({ initial_prompt: "first" });
  const touched = await readSessionsOfEvents(database.sql, await store([prompt("s1", 6, "last")]));
  expect(touched).toMatchObject([{ is_changed: false }]);
});

describe("a session whose events are pruned", () => {
  const prune = () => database.sql`
    WITH deleted AS (DELETE FROM events RETURNING *), kept AS (${keptStatements(database.sql, database.sql`deleted`)}) SELECT`;
  const columns = async () => {
    const { updated_at, last_heard_at, ...row } = (await session()) ?? {};
    return row;
  };

  test.each([
    [
      "with starts and ends",
      [start("s1", 1, { model: "large" }), end("s1", 3), start("s1", 4, { source: "resume" }), end("s1", 9)],
    ],
    ["as a stub", [toolUse("s1", 2, { device_id: "server" }), toolUse("s1", 5)]],
    ["with nothing but an end", [end("s1", 9), toolUse("s1", 1)]],
    ["with prompts", [start("s1", 1), prompt("s1", 4, "later"), prompt("s1", 2, "first")]],
    ["with nothing but a prompt", [prompt("s1", 2, "first")]],
  ])("stays as it was: %s", async (_, events) => {
    await projectSessions(database.sql, await store(events));
    const before = await columns();
    await prune();
    await refreshSessions(database.sql, ["s1"]);
    expect(await columns()).toEqual(before);
    const later = await store([toolUse("s1", 7), end("s1", 8), start("s1", 6, { model: "small" })]);
    await projectSessions(database.sql, later);
    await prune();
    const pruned = await columns();
    await database.sql`DELETE FROM sessions`;
    await projectSessions(database.sql, [
      ...(await store(events)),
      ...(await store([toolUse("s1", 7), end("s1", 8), start("s1", 6, { model: "small" })])),
    ]);
    const { created_at, ...again } = await columns();
    expect(pruned).toMatchObject(again);
  });
});

describe("during a rolling deployment", () => {
  const MINUTE_US = 60_000_000;
  const at = (minutes: number) => Date.parse(minute(0)) * 1000 + minutes * MINUTE_US;
  const facts = {
    origin: [0, at(1), "01", WORKSPACE, "server"],
    end: [0, -at(9), "02", "exit", 0],
    model: [1, at(9), "02", "late"],
    source: [0, at(1), "01", "startup"],
    git_branch: [2, at(0), "", "found"],
    initial_prompt: [0, at(1), "", "do it"],
    "metadata.cwd": [0, at(1), "01", "/repo"],
    "metadata.transcript_path": [0, -at(9), "02", "/t"],
    backfill: [0, at(0), "github.com/acme/widgets", WORKSPACE, "laptop"],
  };
  const expected = {
    lifecycle: "ended",
    device_id: "server",
    started_at: minute(1),
    start_reported_at: minute(1),
    ended_at: minute(9),
    end_reason: "exit",
    duration_ms: "480000",
    model: "late",
    source: "startup",
    git_branch: "found",
    initial_prompt: "do it",
    metadata: { cwd: "/repo", transcript_path: "/t" },
  };
  const writeFacts = (known: object) =>
    database.sql`UPDATE sessions SET facts = ${database.sql.json(known as never)}, resumed_at = ${minute(5)},
      device_id = 'server', start_reported_at = ${minute(1)} WHERE id = 's1'`;
  const refresh = async () => {
    const pool = openDatabase(database.url, { deadlineMs: 10_000, max: 1 });
    const refreshed = await refreshOutdatedSessions(pool, pino({ level: "silent" }));
    await pool.close();
    return refreshed;
  };

  test("a session keeps what the version before knew of it and its events no longer show", async () => {
    const ids = await store([toolUse("s1", 7, { device_id: "server" })]);
    await writeFacts(facts);
    await projectSessions(database.sql, ids);
    expect(await session()).toMatchObject(expected);
    await projectSessions(
      database.sql,
      await store([start("s1", 12, { source: "resume" }, { device_id: "server" })]),
    );
    expect(await session()).toMatchObject({
      lifecycle: "capturing",
      started_at: minute(1),
      ended_at: null,
    });
  });

  test("a session that the version before writes is derived again from all that is known", async () => {
    await projectSessions(database.sql, await store([start("s1", 0, { model: "large" })]));
    await database.sql`
      UPDATE sessions SET model = NULL, started_at = ${minute(8)}, start_reported_at = NULL, lifecycle = 'detected',
        facts = ${database.sql.json({ origin: [1, at(8), "03", WORKSPACE, "laptop"] })}`;
    expect(await refresh()).toBe(1);
    expect(await session()).toMatchObject({
      model: "large",
      started_at: minute(0),
      lifecycle: "capturing",
    });
    expect(await refresh()).toBe(0);
  });

  test("a report whose process died before the session was derived is not lost", async () => {
    await report({ model: "large", ended_at: minute(3) });
    expect(await session()).toMatchObject({ lifecycle: "detected", is_outdated: true });
    expect(await refresh()).toBe(1);
    expect(await session()).toMatchObject({ lifecycle: "ended", model: "large", is_outdated: false });
  });
});

test("an event of another type that has the fields of a start or end says nothing of them", async () => {
  const data = { cc_session_id: "s1", duration_ms: "long", end_reason: "x", source: "resume", model: "m" };
  const ids = await store([
    anEvent({ type: "tool.use", session_id: "s1", data }),
    start("s1", 1, { duration_ms: "long" }),
  ]);
  await projectSessions(database.sql, ids);
  expect(await session()).toMatchObject({
    source: "startup",
    ended_at: null,
    model: null,
    lifecycle: "capturing",
  });
});
