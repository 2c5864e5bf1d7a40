import { describe, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { at, event, gitCommit, ingest, sessionEnd, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { TABLES_OF_SESSIONS } from "../../db/edits/session-deletion.ts";
import { resumeDeletions } from "../../jobs/session-deletion.ts";

// No request finishes a deletion: a job does.
const server = setupApp({ time: { deletionMs: 0 } });

const EVENTS = 120_000;
const secret = "what the session said";
const never = new AbortController().signal;

const remove = (id: string) => server.request("DELETE", `/api/sessions/${id}`);
const countOf = async (table: string, id: string) =>
  (await server.sql`SELECT FROM ${server.sql(table)} WHERE session_id = ${id}`).length;

/** A session with so many events that no request deletes them all. */
async function addLargeSession(id: string, events = EVENTS): Promise<void> {
  await ingest(server, [sessionStart(id, { timestamp: at(0) }), sessionEnd(id, { timestamp: at(10) })]);
  await server.sql`
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
    SELECT upper(lpad(to_hex(n), 26, '0')), 'tool.use', started_at + n * interval '1 millisecond', device_id, workspace_id, id,
      jsonb_build_object('text', ${secret}::text)
    FROM sessions, generate_series(1, ${events}) n WHERE id = ${id}`;
}

describe("the deletion of a session with very many events", () => {
  test("hides it at once, refuses its events and ends with a job that reports its progress", async () => {
    await addLargeSession("one");
    await ingest(server, [sessionStart("other", { timestamp: at(1) })]);
    const { status, body } = await remove("one");
    expect([status, body]).toEqual([202, { job_id: expect.any(String) }]);
    expect(await countOf("events", "one")).toBeGreaterThan(EVENTS / 2);

    expect((await remove("one")).status).toBe(404);
    const late = await server.request("POST", "/api/events", { events: [event({ session_id: "one" })] });
    expect(late.body).toMatchObject({ ingested: 0, rejected: 1 });

    expect(await server.current().jobs.runOne(body.job_id)).toMatchObject({ status: "completed" });
    const job = await server.current().jobs.get(body.job_id);
    expect(job?.output).toEqual({ rows_deleted: expect.any(Number) });
    expect(job?.progress?.current).toBeGreaterThan(EVENTS / 2);
    expect(await countOf("events", "one")).toBe(0);
    expect((await server.sql`SELECT id FROM sessions`).map((row) => row["id"])).toEqual(["other"]);
    expect((await server.request("GET", "/api/sessions/one")).status).toBe(404);
    const again = await server.request("POST", "/api/events", { events: [event({ session_id: "one" })] });
    expect(again.body).toMatchObject({ ingested: 0, rejected: 1 });
  }, 60_000);

  test("leaves nothing of it to read meanwhile, and counts it no more", async () => {
    await addLargeSession("one", 20_000);
    await ingest(server, [
      gitCommit({ session_id: "one", timestamp: at(1) }),
      gitCommit({ timestamp: at(2) }),
    ]);
    await server.sql`INSERT INTO ingest_notes (session_id, kind, body) VALUES ('one', 'test', ${secret})`;
    const [before] = await server.sql`SELECT workspace_id, device_id FROM sessions`;
    expect((await remove("one")).status).toBe(202);
    const paths = [
      "/api/sessions",
      "/api/sessions?lifecycle=ended",
      `/api/sessions?workspace_id=${before?.["workspace_id"]}`,
      "/api/timeline",
      `/api/workspaces/${before?.["workspace_id"]}`,
      `/api/devices/${before?.["device_id"]}`,
    ];
    for (const path of paths) {
      const { status, body } = await server.request("GET", path);
      expect([path, status, JSON.stringify(body).includes('"one"')]).toEqual([path, 200, false]);
    }
    for (const path of ["", "/events", "/git"])
      expect((await server.request("GET", `/api/sessions/one${path}`)).status).toBe(404);
    const [workspace] = (await server.request("GET", "/api/workspaces")).body.workspaces;
    expect(workspace).toMatchObject({ session_count: 0, active_session_count: 0, last_session_at: null });
    const statuses = await server.request("POST", "/api/sessions/batch-status", { session_ids: ["one"] });
    expect(statuses.body).toMatchObject({ not_found: ["one"], deleted: ["one"] });
    const notes = await server.request("GET", "/api/ingest/notes?body=true");
    expect(JSON.stringify(notes.body)).not.toContain(secret);
    const report = {
      id: "one",
      workspace_canonical_id: "github.com/a/b",
      device_id: "laptop",
      started_at: at(0),
    };
    for (const [method, path, body] of [
      ["POST", "/api/sessions", report],
      ["PATCH", "/api/sessions/one", { summary: "x" }],
      ["POST", "/api/sessions/one/reparse", undefined],
    ] as const)
      expect([404, 410]).toContain((await server.request(method, path, body)).status);
    const commit = gitCommit({ timestamp: at(3) });
    await ingest(server, [commit]);
    const [activity] = await server.sql`SELECT session_id FROM git_activity WHERE id = ${commit.id}`;
    expect(activity).toEqual({ session_id: null });
  });

  test("gives an event that is sent for another session to that one, for good", async () => {
    await addLargeSession("one", 5_000);
    const commit = gitCommit({ session_id: "one", timestamp: at(5) });
    await ingest(server, [commit]);
    expect((await remove("one")).status).toBe(202);
    const [left] =
      await server.sql`SELECT id FROM events WHERE session_id = 'one' ORDER BY timestamp DESC LIMIT 1`;
    const moved = [event({ id: left?.["id"], session_id: "two" }), { ...commit, session_id: "two" }];
    const answer = await server.request("POST", "/api/events", { events: moved });
    expect(answer.body).toMatchObject({ ingested: 2, duplicates: 0 });
    const same = await server.request("POST", "/api/events", { events: moved });
    expect(same.body).toMatchObject({ ingested: 0, duplicates: 2 });
    await resume();
    await server.projected();
    expect(await countOf("events", "two")).toBe(2);
    expect(await countOf("git_activity", "two")).toBe(1);
    expect(await server.sql`SELECT FROM events`).toHaveLength(2);
  });

  test("continues after its process died, before it had a job", async () => {
    await addLargeSession("one", 5_000);
    await addLargeSession("two", 0);
    for (const id of ["one", "two"]) expect((await remove(id)).status).toBe(202);
    await server.sql`DELETE FROM jobs`;
    expect(await resume(60_000)).toBe(0);
    expect(await resume()).toBe(2);
    expect(await server.sql`SELECT FROM sessions`).toHaveLength(0);
    expect(await server.sql`SELECT FROM events`).toHaveLength(0);
    expect(await resume()).toBe(0);
  });

  test("is not undone by events that are stored while it runs", async () => {
    await addLargeSession("one", 20_000);
    expect((await remove("one")).status).toBe(202);
    // As a flush that began before the deletion; it retries where the deletion of the row wins.
    const add = (n: number) =>
      server.sql`
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
      SELECT ${createUlid(n)}, 'late', started_at - interval '1 day', device_id, workspace_id, id, '{}'
      FROM sessions WHERE id = 'one'`.then(
        ({ count }) => count,
        () => 1,
      );
    let isOver = false;
    const adding = (async () => {
      for (let n = 1; !isOver && (await add(n)) > 0; n++);
    })();
    let failures = 0;
    while ((await server.sql`SELECT FROM sessions`).length > 0 && failures < 50)
      await resume().catch(() => failures++);
    isOver = true;
    await adding;
    expect(await server.sql`SELECT FROM sessions`).toHaveLength(0);
    expect(await server.sql`SELECT FROM events`).toHaveLength(0);
  });
});

async function resume(ageMs = 0): Promise<unknown> {
  const writes = server.current().pools.ingest;
  return await resumeDeletions(writes, createDeleteInPieces(writes), ageMs)(never);
}

test("every table that refers to sessions is one of those whose rows a deletion deletes", async () => {
  const rows = await server.sql<{ table: string }[]>`
    SELECT DISTINCT conrelid::regclass::text AS "table" FROM pg_constraint
    WHERE contype = 'f' AND confrelid = 'sessions'::regclass`;
  const known: string[] = [...TABLES_OF_SESSIONS, "events", "git_activity", "git_matches"];
  expect(rows.map(({ table }) => table).filter((table) => !known.includes(table))).toEqual([]);
});

describe("the deletion of all sessions that match", () => {
  const removeAll = (body: object) => server.request("POST", "/api/sessions/delete", body);
  const count = async (query: string) => (await server.request("GET", `/api/sessions/count?${query}`)).body;
  const listed = async () =>
    (await server.request("GET", "/api/sessions")).body.sessions.map(({ id }: { id: string }) => id).sort();

  async function addSessions(): Promise<void> {
    await ingest(server, [
      sessionStart("open", { timestamp: at(0) }),
      sessionStart("ended", { timestamp: at(1) }),
      sessionEnd("ended", { timestamp: at(2) }),
      sessionStart("other", { timestamp: at(3), device_id: "other-device" }),
    ]);
  }

  test("counts them, hides them together, and leaves what matches only later", async () => {
    await addSessions();
    const { device_id } = (await server.request("GET", "/api/sessions/open")).body.session;
    expect(await count(`device_id=${device_id}`)).toEqual({ sessions: 2, open_sessions: 1 });
    const { status, body } = await removeAll({ device_id, expected: 2 });
    expect([status, body]).toEqual([202, { job_id: expect.any(String), sessions: 2, open_sessions: 1 }]);
    await ingest(server, [sessionStart("later", { timestamp: at(4) })]);
    expect(await server.current().jobs.runOne(body.job_id)).toMatchObject({ status: "completed" });
    expect(await listed()).toEqual(["later", "other"]);
    const job = await server.current().jobs.get(body.job_id);
    expect(job).toMatchObject({ output: { sessions: 2 }, progress: { current: 2, total: 2 } });
    expect(await countOf("events", "ended")).toBe(0);
    const late = await server.request("POST", "/api/events", { events: [event({ session_id: "ended" })] });
    expect(late.body).toMatchObject({ ingested: 0, rejected: 1 });
    expect(await count(`device_id=${device_id}`)).toEqual({ sessions: 1, open_sessions: 1 });
  });

  test("deletes no session that came to match after the request", async () => {
    await addSessions();
    const { body } = await removeAll({ lifecycle: ["ended"], expected: 1 });
    await ingest(server, [sessionEnd("open", { timestamp: at(4) })]);
    expect(await count("lifecycle=ended")).toEqual({ sessions: 2, open_sessions: 0 });
    await server.current().jobs.runOne(body.job_id);
    expect(await listed()).toEqual(["open", "other"]);
  });

  test("deletes nothing when more sessions match than expected, or without a filter", async () => {
    await addSessions();
    const { status, body } = await removeAll({ ids: ["open", "ended", "unknown"], expected: 1 });
    expect([status, body.code, body.sessions]).toEqual([409, "SELECTION_CHANGED", 2]);
    expect(await removeAll({ expected: 3 })).toMatchObject({
      status: 400,
      body: { code: "FILTER_REQUIRED" },
    });
    for (const wrong of [{ ids: [] }, { device: "x" }, { lifecycle: ["gone"] }, { workspace_id: "nowhere" }])
      expect([wrong, (await removeAll(wrong)).status]).toEqual([wrong, 400]);
    expect(await listed()).toEqual(["ended", "open", "other"]);
  });

  test("takes the sessions that a search finds, within the other fields", async () => {
    await addSessions();
    expect(await count("q=open&ids=open,ended")).toEqual({ sessions: 1, open_sessions: 1 });
    expect(await removeAll({ q: "open" })).toMatchObject({
      status: 400,
      body: { code: "EXPECTED_REQUIRED" },
    });
    const { body } = await removeAll({ q: "open", ids: ["open", "ended"], expected: 1 });
    await server.current().jobs.runOne(body.job_id);
    expect(await listed()).toEqual(["ended", "other"]);
    for (const other of [{ q: "none", ids: ["ended"] }, { q: "" }, { q: "none".repeat(200) }])
      expect(await removeAll({ ...other, expected: 0 })).toMatchObject({
        status: 202,
        body: { sessions: 0 },
      });
  });

  test("reaches more sessions than one statement takes", async () => {
    await addSessions();
    await server.sql`
      INSERT INTO sessions (id, workspace_id, device_id, lifecycle, started_at, tags)
      SELECT 'many-' || n, workspace_id, device_id, 'ended', now(), '{many}'
      FROM sessions, generate_series(1, 101) n WHERE id = 'open'`;
    const { body } = await removeAll({ tag: "many", expected: 101 });
    expect(await server.current().jobs.runOne(body.job_id)).toMatchObject({ status: "completed" });
    expect(await listed()).toEqual(["ended", "open", "other"]);
    expect(await server.sql`SELECT FROM session_tombstones`).toHaveLength(101);
  });
});
