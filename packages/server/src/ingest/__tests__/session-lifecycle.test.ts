import { describe, expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { end, minute, send, start, toolUse, WORKSPACE } from "./event-factory.ts";

const server = setupApp();

/** Times as text: toMatchObject takes any two Dates for equal. */
const withTexts = (row: unknown) => (row === undefined ? undefined : JSON.parse(JSON.stringify(row)));
/** Then an event is projected although one was projected just before. */
const afterSomeSeconds = () => server.current().ingest.forget();

async function session(id = "s1") {
  const [row] = await server.sql`
    SELECT s.*, w.canonical_id AS workspace FROM sessions s JOIN workspaces w ON w.id = s.workspace_id WHERE s.id = ${id}`;
  return withTexts(row);
}

const report = (fields: object = {}) => ({
  id: "s1",
  workspace_id: WORKSPACE,
  device_id: "laptop",
  started_at: minute(0),
  ...fields,
});

describe("a session", () => {
  test("is a stub until its start is known, and follows its earliest event", async () => {
    await send(server, [toolUse("s1", 5)]);
    expect(await session()).toMatchObject({
      lifecycle: "detected",
      started_at: minute(5),
      source: null,
    });
    await send(server, [toolUse("s1", 3, { workspace_id: "github.com/a/other" })]);
    expect(await session()).toMatchObject({ started_at: minute(3), workspace: "github.com/a/other" });
  });

  test("as a stub takes workspace, device and time of its start", async () => {
    await send(server, [toolUse("s1", 1, { device_id: "other", workspace_id: "github.com/a/other" })]);
    await send(server, [start("s1", 2, { git_branch: "main", model: "large" })]);
    expect(await session()).toMatchObject({
      lifecycle: "capturing",
      workspace: WORKSPACE,
      device_id: "laptop",
      started_at: minute(2),
      git_branch: "main",
      model: "large",
      source: "startup",
      metadata: { cwd: "/repo" },
    });
  });

  test("keeps its first workspace and device when it is resumed elsewhere", async () => {
    await send(server, [start("s1", 0)]);
    await send(server, [
      start("s1", 9, { source: "resume" }, { device_id: "other", workspace_id: "github.com/a/other" }),
    ]);
    expect(await session()).toMatchObject({ workspace: WORKSPACE, device_id: "laptop", source: "startup" });
  });

  test("is closed by its end, which knows how long it lasted", async () => {
    await send(server, [
      start("s1", 0),
      end("s1", 10, { duration_ms: 2_600_000_000, end_reason: "prompt_input_exit" }),
    ]);
    expect(await session()).toMatchObject({
      lifecycle: "ended",
      ended_at: minute(10),
      end_reason: "exit",
      duration_ms: "2600000000",
    });
  });

  test("may end before it starts", async () => {
    await send(server, [end("s1", 10)]);
    expect(await session()).toMatchObject({ lifecycle: "ended", started_at: minute(10) });
    await send(server, [start("s1", 0)]);
    expect(await session()).toMatchObject({
      lifecycle: "ended",
      started_at: minute(0),
      ended_at: minute(10),
    });
  });

  test("that ends several times ends at the latest of them", async () => {
    await send(server, [
      start("s1", 0),
      end("s1", 20, { end_reason: "logout", duration_ms: 7 }),
      end("s1", 10),
    ]);
    await send(server, [end("s1", 15)]);
    expect(await session()).toMatchObject({
      ended_at: minute(20),
      end_reason: "logout",
      duration_ms: "7",
    });
  });

  test("is reopened by a resume, and closed by the end after it", async () => {
    await send(server, [start("s1", 0), end("s1", 10)]);
    await send(server, [start("s1", 20, { source: "resume" })]);
    expect(await session()).toMatchObject({
      lifecycle: "capturing",
      ended_at: null,
      end_reason: null,
      duration_ms: null,
    });
    await send(server, [end("s1", 30)]);
    expect(await session()).toMatchObject({
      lifecycle: "ended",
      ended_at: minute(30),
      started_at: minute(0),
    });
  });

  test("stays ended when a resume from before its end arrives late", async () => {
    await send(server, [start("s1", 0), end("s1", 30)]);
    await send(server, [start("s1", 20, { source: "resume" })]);
    expect(await session()).toMatchObject({ lifecycle: "ended", ended_at: minute(30) });
  });

  test.each(["parsed", "summarized", "archived"])(
    "that was %s is captured again after a resume",
    async (lifecycle) => {
      await send(server, [start("s1", 0), end("s1", 10)]);
      await server.sql`UPDATE sessions SET lifecycle = ${lifecycle}`;
      await send(server, [end("s1", 10)]);
      expect(await session()).toMatchObject({ lifecycle });
      await send(server, [start("s1", 20, { source: "resume" })]);
      expect(await session()).toMatchObject({ lifecycle: "capturing" });
    },
  );

  test("that failed stays failed after any further event", async () => {
    await send(server, [start("s1", 0)]);
    await server.sql`UPDATE sessions SET lifecycle = 'failed'`;
    await send(server, [end("s1", 10), start("s1", 20, { source: "resume" })]);
    expect(await session()).toMatchObject({ lifecycle: "failed" });
  });

  test("that the server ended for silence is open again as soon as it speaks", async () => {
    await send(server, [start("s1", 0)]);
    await server.sql`
      UPDATE sessions SET lifecycle = 'ended', ended_at = now(), end_reason = 'crash', duration_ms = 1, ended_by_server = true`;
    afterSomeSeconds();
    await send(server, [toolUse("s1", 5)]);
    expect(await session()).toMatchObject({
      lifecycle: "capturing",
      ended_at: null,
      end_reason: null,
      duration_ms: null,
      ended_by_server: false,
    });
  });

  test("that the server ended while it was a stub is a stub again", async () => {
    await send(server, [toolUse("s1", 0)]);
    await server.sql`UPDATE sessions SET lifecycle = 'ended', ended_at = now(), end_reason = 'crash', ended_by_server = true`;
    afterSomeSeconds();
    await send(server, [toolUse("s1", 5)]);
    expect(await session()).toMatchObject({ lifecycle: "detected", ended_at: null });
  });

  test("whose end reports no duration lasts from its reported start to its end", async () => {
    await send(server, [end("s1", 10, { duration_ms: 0 }), toolUse("s1", 2)]);
    expect(await session()).toMatchObject({ duration_ms: "0" });
    await send(server, [start("s1", 1)]);
    expect(await session()).toMatchObject({ duration_ms: "540000" });
    await send(server, [end("s1", 20, { duration_ms: 7 })]);
    expect(await session()).toMatchObject({ duration_ms: "7" });
  });

  test("that ends as it starts lasts no time", async () => {
    await send(server, [start("s1", 1), end("s1", 1, { duration_ms: 0 })]);
    expect(await session()).toMatchObject({ duration_ms: "0" });
  });

  test("keeps a newer client's source and end reason as other, with a note; its events keep their own", async () => {
    const events = [start("s1", 0, { source: "teleport" }), end("s1", 1, { end_reason: "bored" })];
    const wrong = start("s3", 0, { source: "teleport", cwd: 7 });
    const answer = await send(server, [...events, start("s2", 0, { source: "fork" }), wrong]);
    expect(answer).toMatchObject({ ingested: 3, rejected: 1 });
    expect(answer.errors?.[0]?.pointer).toBe("/data/cwd");
    expect(await session()).toMatchObject({ source: "other", end_reason: "other", lifecycle: "ended" });
    const kept = await server.sql`
      SELECT coalesce(data ->> 'source', data ->> 'end_reason') AS value FROM events WHERE session_id = 's1' ORDER BY timestamp`;
    expect(kept.map((row) => row["value"])).toEqual(["teleport", "bored"]);
    const notes =
      await server.sql`SELECT event_id, kind, detail FROM ingest_notes WHERE kind <> 'rejected' ORDER BY detail`;
    expect(notes.map(({ event_id, kind }) => [event_id, kind])).toEqual([
      [events[1]?.id, "value_unknown"],
      [events[0]?.id, "value_unknown"],
    ]);
    expect(notes[1]?.["detail"]).toBe("/data/source: not a value of its enumeration; stored as other");
  });

  test("whose payload alone names it is found nevertheless", async () => {
    await send(server, [start("s1", 0, {}, { session_id: null })]);
    expect(await session()).toMatchObject({ lifecycle: "capturing" });
    const answer = await send(server, [
      start("x".repeat(5_000), 0, {}, { session_id: null }),
      start("", 0, {}, { session_id: null }),
    ]);
    expect(answer.ingested).toBe(2);
    expect(await server.sql`SELECT id FROM sessions`).toHaveLength(1);
  });

  test("is heard again when it is only heard, at most every half minute", async () => {
    await send(server, [start("s1", 0)]);
    await server.sql`UPDATE sessions SET last_heard_at = now() - interval '1 hour', updated_at = '2026-01-01'`;
    afterSomeSeconds();
    await send(server, [toolUse("s1", 5)]);
    const [heard] = await server.sql<
      { recent: boolean }[]
    >`SELECT last_heard_at > now() - interval '1 minute' AS recent FROM sessions`;
    expect(heard?.recent).toBe(true);
    await server.sql`UPDATE sessions SET updated_at = '2026-01-01'`;
    afterSomeSeconds();
    await send(server, [toolUse("s1", 6)]);
    expect((await session())?.["updated_at"]).toBe(new Date("2026-01-01").toISOString());
  });
});

describe("reported sessions", () => {
  test("are created, then merged", async () => {
    const first = await server.request(
      "POST",
      "/api/sessions",
      report({ tags: ["b", "a"], initial_prompt: "do it", metadata: { k: 1 } }),
    );
    expect(first.status).toBe(201);
    expect(first.body.session).toMatchObject({
      id: "s1",
      tags: ["a", "b"],
      initial_prompt: "do it",
      metadata: { k: 1 },
      lifecycle: "capturing",
    });
    const again = await server.request(
      "POST",
      "/api/sessions",
      report({ ended_at: minute(10), end_reason: "exit", tags: ["c"], cwd: "/repo" }),
    );
    expect(again.status).toBe(200);
    expect(again.body.session).toMatchObject({
      tags: ["a", "b", "c"],
      lifecycle: "ended",
      duration_ms: 600_000,
      metadata: { k: 1, cwd: "/repo" },
    });
  });

  test("found in transcripts are created once, and do not close a session that lives", async () => {
    const backfill = {
      session_id: "s1",
      workspace_canonical_id: WORKSPACE,
      device_id: "d",
      device_name: "the d",
      started_at: minute(0),
      ended_at: minute(9),
      is_live: true,
    };
    expect(await server.request("POST", "/api/backfill/sessions", backfill)).toMatchObject({
      status: 201,
      body: { status: "created", session_id: "s1" },
    });
    expect(await session()).toMatchObject({ lifecycle: "capturing", ended_at: null, source: "backfill" });
    expect(
      await server.request("POST", "/api/backfill/sessions", { ...backfill, is_live: false }),
    ).toMatchObject({ status: 200, body: { status: "exists" } });
    expect(await session()).toMatchObject({ lifecycle: "ended", ended_at: minute(9) });
    expect([...(await server.sql`SELECT name FROM devices`)]).toEqual([{ name: "the d" }]);
  });

  const OTHER_WORKSPACE = "github.com/acme/found-elsewhere";
  const backfill = {
    session_id: "s1",
    workspace_canonical_id: OTHER_WORKSPACE,
    device_id: "laptop",
    started_at: minute(-60),
    ended_at: minute(9),
    git_branch: "old",
    cwd: "/found",
    source: "backfill",
  };

  async function stateAfter(steps: readonly (() => Promise<unknown>)[]) {
    for (const step of steps) await step();
    const [row] = await server.sql`
      SELECT w.canonical_id, s.device_id, s.source, s.git_branch, s.metadata ->> 'cwd' AS cwd, s.started_at, s.start_reported_at,
        s.ended_at, s.end_reason, s.duration_ms, s.lifecycle
      FROM sessions s JOIN workspaces w ON w.id = s.workspace_id WHERE s.id = 's1'`;
    await server.sql`DELETE FROM git_activity`;
    await server.sql`DELETE FROM events`;
    await server.sql`DELETE FROM sessions`;
    server.current().ingest.forget();
    return withTexts(row);
  }

  const post = (fields: object) => () =>
    server.request("POST", "/api/backfill/sessions", { ...backfill, ...fields });
  const sends = (event: () => object) => () => send(server, [event()]);

  test("found in transcripts only fill gaps: facts of events stay, in every order", async () => {
    const begins = sends(() => start("s1", 0, { git_branch: null }));
    const ends = sends(() => end("s1", 5, { end_reason: "logout" }));
    const expected = {
      canonical_id: WORKSPACE,
      device_id: "laptop",
      source: "startup",
      git_branch: "old",
      cwd: "/repo",
      started_at: minute(0),
      ended_at: minute(5),
      end_reason: "logout",
    };
    for (const steps of [
      [begins, ends, post({})],
      [begins, post({}), ends],
      [post({}), begins, ends],
      [post({}), ends, begins],
    ])
      expect(await stateAfter(steps)).toMatchObject(expected);
  });

  test("found in transcripts give a stub its start and end, and no other workspace", async () => {
    const says = sends(() => toolUse("s1", 0));
    const expected = {
      canonical_id: WORKSPACE,
      device_id: "laptop",
      source: "backfill",
      started_at: minute(-60),
      start_reported_at: minute(-60),
      ended_at: minute(9),
      lifecycle: "ended",
    };
    for (const steps of [
      [says, post({})],
      [post({}), says],
    ] as const)
      expect(await stateAfter(steps)).toMatchObject(expected);
  });

  test("found in transcripts without a workspace replace none, and one that is found later replaces theirs", async () => {
    const unknown = post({ workspace_canonical_id: "_unassociated", started_at: minute(-90) });
    const lost = sends(() => ({ ...toolUse("s1", 0), workspace_id: "_unassociated" }));
    for (const steps of [
      [unknown, post({})],
      [post({}), unknown],
      [lost, post({})],
      [post({}), lost],
    ] as const)
      expect(await stateAfter(steps)).toMatchObject({ canonical_id: OTHER_WORKSPACE });
    expect(await stateAfter([sends(() => start("s1", 0)), unknown])).toMatchObject({
      canonical_id: WORKSPACE,
    });
    expect(await stateAfter([unknown])).toMatchObject({ canonical_id: "_unassociated" });
  });

  test("and the session's events lead to one row, in either order", async () => {
    await send(server, [toolUse("s1", 5)]);
    await server.request("POST", "/api/sessions", report({ model: "large" }));
    await send(server, [end("s1", 9)]);
    expect(await session()).toMatchObject({
      lifecycle: "ended",
      model: "large",
      started_at: minute(0),
    });
    expect(await server.sql`SELECT id FROM sessions`).toHaveLength(1);
  });

  test("may hold what Postgres cannot", async () => {
    const odd = report({ id: "a\0b", cwd: "/\ud800", metadata: { "\0": ["\0"], __proto__x: 9 } });
    expect((await server.request("POST", "/api/sessions", odd)).status).toBe(201);
    expect(await session("a\uFFFDb")).toMatchObject({ metadata: { cwd: "/\uFFFD" } });
    await send(server, [end("a\0b", 9)]);
    expect(await session("a\uFFFDb")).toMatchObject({ lifecycle: "ended" });
  });

  test.each([
    ["without an id", { id: undefined }],
    ["of a workspace that does not exist", { workspace_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }],
    ["with a start that is no time", { started_at: "soon" }],
  ])("%s are refused", async (_, fields) => {
    const { status, headers } = await server.request("POST", "/api/sessions", report(fields));
    expect(status).toBe(400);
    expect(headers.get("content-type")).toBe("application/problem+json");
  });
});
