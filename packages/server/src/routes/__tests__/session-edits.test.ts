import { describe, expect, test } from "bun:test";
import { at, event, gitCommit, ingest, sessionEnd, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { wrote } from "../../ingest/__tests__/transcript-rows.ts";
import { matchSessions } from "../../ingest/match-git.ts";
import { addMessages } from "../../transcripts/__tests__/add-messages.ts";

const server = setupApp();

describe("PATCH /api/sessions/:id", () => {
  test("replaces, adds and removes tags, and leaves alone what it does not name", async () => {
    await ingest(server, [sessionStart("one")]);
    const first = await server.request("PATCH", "/api/sessions/one", {
      tags: ["b", "a", "a"],
      summary: "Done.",
    });
    expect(first.status).toBe(200);
    expect(first.body.session).toMatchObject({ id: "one", tags: ["a", "b"], summary: "Done." });
    const second = await server.request("PATCH", "/api/sessions/one", {
      add_tags: ["c", "a"],
      remove_tags: ["b"],
    });
    expect(second.body.session).toMatchObject({ tags: ["a", "c"], summary: "Done." });
    const third = await server.request("PATCH", "/api/sessions/one", { tags: [], summary: null });
    expect(third.body.session).toMatchObject({ tags: [], summary: null });
  });

  test("writes a row for those who read live", async () => {
    await ingest(server, [sessionStart("one")]);
    await server.request("PATCH", "/api/sessions/one", { summary: "x" });
    const [row] = await server.sql`SELECT kind, session_ids FROM change_log ORDER BY position DESC LIMIT 1`;
    expect(row).toEqual({ kind: "session", session_ids: ["one"] });
  });

  test("refuses what it cannot do, and changes nothing then", async () => {
    await ingest(server, [sessionStart("one")]);
    await server.request("PATCH", "/api/sessions/one", {
      tags: Array.from({ length: 100 }, (_, i) => `t${i}`),
    });
    const cases: [object, string][] = [
      [{ tags: ["a"], add_tags: ["b"] }, "/tags"],
      [{ tags: [""] }, "/tags/0"],
      [{ tags: "a" }, "/tags"],
      [{ add_tags: ["one-too-many"] }, "/add_tags"],
      [{ summary: 3 }, "/summary"],
      [{ sumary: "misspelt" }, ""],
      [{ summary: "x", lifecycle: "archived" }, ""],
    ];
    for (const [patch, pointer] of cases) {
      const { status, body } = await server.request("PATCH", "/api/sessions/one", patch);
      expect([patch, status, body.errors[0].pointer]).toEqual([patch, 400, pointer]);
    }
    const { body } = await server.request("GET", "/api/sessions/one");
    expect(body.session.tags).toHaveLength(100);
    const unknown = await server.request("PATCH", "/api/sessions/two", { tags: [] });
    expect([unknown.status, unknown.body.code]).toEqual([404, "NOT_FOUND"]);
  });

  test("stores a replacement for the characters that Postgres refuses", async () => {
    await ingest(server, [sessionStart("one")]);
    const { status, body } = await server.request("PATCH", "/api/sessions/one", { summary: "a\0b" });
    expect([status, body.session.summary]).toEqual([200, "a\uFFFDb"]);
  });
});

describe("DELETE /api/sessions/:id", () => {
  test("removes all that belongs to the session and refuses its events from then on", async () => {
    const start = sessionStart("one", { timestamp: at(0) });
    const inferred = gitCommit({ timestamp: at(5) });
    const other = event({ session_id: "two", device_id: "desktop" });
    await ingest(server, [
      start,
      gitCommit({ session_id: "one", timestamp: at(1) }),
      event({ type: "skill.invoke", session_id: "one", data: { session_id: "one", skill_name: "review" } }),
      sessionEnd("one", { timestamp: at(10) }),
      inferred,
      other,
    ]);
    await server.sql`INSERT INTO ingest_notes (event_id, kind) VALUES (${start.id}, 'test'), (${other.id}, 'test')`;
    const { status, body } = await server.request("DELETE", "/api/sessions/one");
    expect([status, body]).toEqual([204, ""]);

    const events = await server.sql`SELECT id FROM events`;
    expect(events.map((row) => row["id"]).toSorted()).toEqual([inferred.id, other.id].toSorted());
    const git = await server.sql`SELECT id, session_id FROM git_activity`;
    expect([...git]).toEqual([{ id: inferred.id, session_id: null }]);
    const notes = await server.sql`SELECT event_id FROM ingest_notes`;
    expect([...notes]).toEqual([{ event_id: other.id }]);
    const changes = await server.sql`SELECT session_ids FROM change_log ORDER BY position DESC LIMIT 1`;
    expect([...changes]).toEqual([{ session_ids: ["one"] }]);

    const again = await server.request("POST", "/api/events", { events: [start] });
    expect(again.body).toMatchObject({ ingested: 0, rejected: 1 });
    expect((await server.request("GET", "/api/sessions/one")).status).toBe(404);
    expect((await server.request("DELETE", "/api/sessions/one")).status).toBe(404);
  });

  test("ties git activity that was found to belong to it to the next session that fits", async () => {
    const commit = gitCommit({ timestamp: at(5), data: { file_list: [{ path: "a.ts", status: "M" }] } });
    await ingest(server, [
      sessionStart("outer", { timestamp: at(0) }),
      sessionStart("inner", { timestamp: at(2) }),
      commit,
    ]);
    await wrote(server, "inner", "/home/ada/site/a.ts", at(3));
    await wrote(server, "outer", "/home/ada/site/a.ts", at(1));
    await matchSessions(server.current().pools.ingest, ["inner", "outer"]);
    const sessionOf = async () => (await server.sql`SELECT session_id FROM git_activity`)[0]?.["session_id"];
    expect(await sessionOf()).toBe("inner");
    await server.request("DELETE", "/api/sessions/inner");
    expect(await sessionOf()).toBe("outer");
    const after = await server.request("GET", "/api/sessions/outer/git");
    expect(after.body.git_activity).toMatchObject([{ session_match: "evidence" }]);
    expect([...(await server.sql`SELECT DISTINCT session_id FROM git_matches`)]).toEqual([
      { session_id: "outer" },
    ]);
  });

  test("against events that arrive at the same time leaves all of it or nothing", async () => {
    for (let round = 0; round < 10; round++) {
      const id = `s${round}`;
      await ingest(server, [sessionStart(id)]);
      const sends = Array.from({ length: 8 }, () =>
        server.request("POST", "/api/events", { events: [event({ session_id: id })] }),
      );
      const [removed, ...sent] = await Promise.all([
        server.request("DELETE", `/api/sessions/${id}`),
        ...sends,
      ]);
      expect(removed.status).toBe(204);
      for (const { status } of sent) expect(status).toBe(202);
    }
    const [left] = await server.sql`SELECT (SELECT count(*)::int FROM sessions) AS sessions,
      (SELECT count(*)::int FROM events) AS events, (SELECT count(*)::int FROM session_tombstones) AS tombstones`;
    expect(left).toEqual({ sessions: 0, events: 0, tombstones: 10 });
  });
});

describe("POST /api/sessions/:id/reparse", () => {
  test("sets a parsed session back, and enqueues the job that reads its files anew", async () => {
    await ingest(server, [sessionStart("one"), sessionEnd("one", { timestamp: at(5) })]);
    await addMessages(server.sql, { session_id: "one", messages: [{ id: "m", kind: "prompt", blocks: [] }] });
    await server.sql`UPDATE transcript_generations SET parsed_bytes = 3, counts = '{"records": 1}'`;
    await server.sql`UPDATE sessions SET parse_status = 'failed', parse_error = 'x', lifecycle = 'failed'`;
    const { status, body } = await server.request("POST", "/api/sessions/one/reparse");
    expect([status, body]).toEqual([
      202,
      { job_id: expect.any(String), session_id: "one", parse_status: "pending" },
    ]);
    const jobs = await server.sql`SELECT type, payload FROM jobs WHERE id = ${body.job_id}::bigint`;
    expect(jobs).toMatchObject([{ type: "parse-transcript", payload: { session_id: "one" } }]);
    const { body: after } = await server.request("GET", "/api/sessions/one");
    expect(after.session).toMatchObject({ lifecycle: "ended", parse_status: "pending", parse_error: null });
    expect(await server.sql`SELECT reading, has_stale_rows FROM transcript_files`).toMatchObject([
      { reading: 2, has_stale_rows: true },
    ]);
  });

  test("is a conflict without a transcript and a 404 without a session", async () => {
    await ingest(server, [sessionStart("one")]);
    const missing = await server.request("POST", "/api/sessions/one/reparse");
    expect([missing.status, missing.body.code]).toEqual([409, "TRANSCRIPT_MISSING"]);
    const unknown = await server.request("POST", "/api/sessions/two/reparse");
    expect(unknown.status).toBe(404);
  });
});

describe("POST /api/sessions/reparse", () => {
  test("reads the files of the sessions that match all fields anew, by a job", async () => {
    await ingest(
      server,
      ["one", "two", "three"].map((id) => sessionStart(id)),
    );
    for (const session_id of ["one", "two"])
      await addMessages(server.sql, {
        session_id,
        messages: [{ id: session_id, kind: "prompt", blocks: [] }],
      });
    await server.sql`UPDATE sessions SET parser_version = CASE id WHEN 'one' THEN 1 ELSE 2 END`;
    const filter = { agent: "claude-code", parser_version_below: 2 };
    const { status, body } = await server.request("POST", "/api/sessions/reparse", filter);
    expect(status).toBe(202);
    expect(await server.current().jobs.runOne(body.job_id)).toMatchObject({ status: "completed" });
    const files = await server.sql`SELECT session_id FROM transcript_files WHERE reading = 2`;
    expect(files).toMatchObject([{ session_id: "one" }]);
    const waiting = await server.sql`SELECT payload FROM jobs WHERE type = 'parse-transcript'`;
    expect(waiting).toMatchObject([{ payload: { session_id: "one" } }]);
  });

  test("refuses fields that it does not know the meaning of", async () => {
    for (const filter of [{ agent: "other" }, { parser_version_below: 0 }, { ids: [] }]) {
      const { status, body } = await server.request("POST", "/api/sessions/reparse", filter);
      expect([status, body.code]).toEqual([400, "VALIDATION_FAILED"]);
    }
  });
});
