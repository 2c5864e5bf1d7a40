import { describe, expect, test } from "bun:test";
import { at, event, gitCommit, ingest, sessionEnd, sessionStart, walk } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();
const ids = (sessions: { id: string }[]) => sessions.map((session) => session.id);

describe("GET /api/sessions", () => {
  test("gives rows with names, numbers as numbers and times in microseconds", async () => {
    await ingest(server, [
      sessionStart("one", { timestamp: at(0, 123456), data: { _device_name: "Ada's laptop" } }),
    ]);
    await server.sql`UPDATE sessions SET tokens_in = 9007199254740991, cost_estimate_usd = 1.234567, ended_at = ${at(5)}`;
    const { status, body } = await server.request("GET", "/api/sessions");
    expect(status).toBe(200);
    expect(body.next_cursor).toBeNull();
    expect(body.has_more).toBe(false);
    expect(body.sessions).toHaveLength(1);
    expect(body.sessions[0]).toMatchObject({
      id: "one",
      workspace_canonical_id: "github.com/acme/site",
      workspace_name: "site",
      device_name: "Ada's laptop",
      lifecycle: "capturing",
      started_at: "2025-03-14T10:00:00.123456Z",
      ended_at: "2025-03-14T10:00:05.000000Z",
      tokens_in: 9007199254740991,
      cost_estimate_usd: 1.234567,
      tags: [],
    });
  });

  test("is ordered by start and then id, newest first", async () => {
    await ingest(server, [
      sessionStart("a", { timestamp: at(1, 1) }),
      sessionStart("c", { timestamp: at(1) }),
      sessionStart("b", { timestamp: at(1) }),
      sessionStart("d", { timestamp: at(2) }),
    ]);
    const { body } = await server.request("GET", "/api/sessions");
    expect(ids(body.sessions)).toEqual(["d", "a", "c", "b"]);
  });

  test("a walk to the end gives each row once, also within one millisecond and while rows are inserted", async () => {
    const starts = Array.from({ length: 25 }, (_, i) =>
      sessionStart(`s${String(i).padStart(2, "0")}`, { timestamp: at(0, Math.floor(i / 3)) }),
    );
    await ingest(server, starts);
    let added = 0;
    const items = await walk(server, "/api/sessions?limit=4", "sessions", async () => {
      added += 1;
      await ingest(server, [sessionStart(`new${added}`, { timestamp: at(added) })]);
    });
    expect(added).toBeGreaterThan(3);
    expect(ids(items)).toEqual(starts.map((start) => start.session_id ?? "").reverse());
  });

  test("filters by workspace, device, lifecycle, tag and times, whose bounds are exclusive", async () => {
    await ingest(server, [
      sessionStart("one", { timestamp: at(0), device_id: "laptop", workspace_id: "github.com/acme/one" }),
      sessionEnd("one", { timestamp: at(10), device_id: "laptop", workspace_id: "github.com/acme/one" }),
      sessionStart("two", { timestamp: at(20), device_id: "desktop", workspace_id: "github.com/acme/two" }),
      event({ session_id: "three", timestamp: at(30), workspace_id: "github.com/acme/two" }),
    ]);
    await server.request("PATCH", "/api/sessions/two", { tags: ["red", "blue"] });
    const [workspace] =
      await server.sql`SELECT id FROM workspaces WHERE canonical_id = 'github.com/acme/two'`;
    const cases: [string, string[]][] = [
      [`workspace_id=${workspace?.["id"]}`, ["three", "two"]],
      ["device_id=laptop", ["three", "one"]],
      ["lifecycle=ended", ["one"]],
      ["lifecycle=ended,capturing", ["two", "one"]],
      ["tag=red", ["two"]],
      ["tag=green", []],
      [`after=${at(20)}`, ["three"]],
      [`before=${at(20)}`, ["one"]],
      [`after=${at(0)}&before=${at(30)}`, ["two"]],
      [`ended_after=${at(10)}`, []],
      [`ended_after=${at(9)}&ended_before=${at(11)}`, ["one"]],
      ["ended_before=2025-03-14T11:00:00%2B01:00", []],
      ["after=2025-03-14&before=2025-03-15", ["three", "two", "one"]],
      ["some_unknown_parameter=1&device_id=desktop", ["two"]],
    ];
    for (const [query, expected] of cases) {
      const { status, body } = await server.request("GET", `/api/sessions?${query}`);
      expect([query, status, ids(body.sessions)]).toEqual([query, 200, expected]);
    }
  });

  test("takes a list with commas or repeated, ignores empty values, and counts detected with capturing", async () => {
    await ingest(server, [
      sessionStart("open", { timestamp: at(0) }),
      sessionStart("over", { timestamp: at(10) }),
      sessionEnd("over", { timestamp: at(20) }),
      event({ session_id: "seen", timestamp: at(30) }),
      sessionStart("broken", { timestamp: at(40) }),
    ]);
    await server.sql`UPDATE sessions SET lifecycle = 'failed' WHERE id = 'broken'`;
    const cases: [string, string[]][] = [
      ["lifecycle=ended,failed", ["broken", "over"]],
      ["lifecycle=ended&lifecycle=failed", ["broken", "over"]],
      ["lifecycle=failed&lifecycle=ended", ["broken", "over"]],
      ["lifecycle=ended&lifecycle=failed,ended", ["broken", "over"]],
      ["lifecycle=&lifecycle=ended", ["over"]],
      ["lifecycle=detected", ["seen", "open"]],
      ["lifecycle=capturing", ["open"]],
      [
        "workspace_id=&device_id=&lifecycle=&after=&before=&tag=&limit=&cursor=&q=",
        ["broken", "seen", "over", "open"],
      ],
      ["other=1&other=2&limit=1", ["broken"]],
    ];
    for (const [query, expected] of cases) {
      const { status, body } = await server.request("GET", `/api/sessions?${query}`);
      expect([query, status, ids(body.sessions)]).toEqual([query, 200, expected]);
    }
  });

  test.each([
    "device_id=a&device_id=b",
    "limit=1&limit=2",
    "tag=a&tag=a",
    "after=2025-03-14&after=2025-03-15",
  ])("refuses ?%s, whose value is single", async (query) => {
    const { status, body } = await server.request("GET", `/api/sessions?${query}`);
    const pointer = `/${query.split("=")[0]}`;
    expect([status, body.errors]).toEqual([400, [{ pointer, detail: "must be given once" }]]);
  });

  test.each([
    ["lifecycle=ended&lifecycle=asleep", "/lifecycle/1"],
    ["device_id=&device_id=%00", "/device_id"],
    ["limit=0", "/limit"],
    ["limit=1001", "/limit"],
    ["limit=ten", "/limit"],
    ["lifecycle=asleep", "/lifecycle/0"],
    ["after=yesterday", "/after"],
    ["after=2026-02-30", "/after"],
    ["before=0000-01-01", "/before"],
    ["ended_after=2025-03-14T10:00:00%2B23:00", "/ended_after"],
    ["tag=a%00b", "/tag"],
    ["device_id=%00", "/device_id"],
  ])("refuses ?%s with a pointer", async (query, pointer) => {
    const { status, body } = await server.request("GET", `/api/sessions?${query}`);
    expect([status, body.code, body.errors?.[0]?.pointer]).toEqual([400, "VALIDATION_FAILED", pointer]);
  });

  test("refuses a cursor that is broken, of other filters, or of another list", async () => {
    await ingest(server, [
      sessionStart("one"),
      sessionStart("two"),
      event({ session_id: "one" }),
      event({ session_id: "one" }),
    ]);
    const { body } = await server.request("GET", "/api/sessions?limit=1&device_id=laptop");
    const cursor: string = body.next_cursor;
    const forged = Buffer.from(
      Buffer.from(cursor, "base64url").toString().replace("2025-03", "2025-99"),
    ).toString("base64url");
    const queries = [
      `device_id=desktop&cursor=${cursor}`,
      `cursor=${cursor}`,
      "cursor=nonsense",
      "cursor=bnVsbA",
      `device_id=laptop&cursor=${forged}`,
    ];
    for (const query of queries) {
      const answer = await server.request("GET", `/api/sessions?${query}`);
      expect([query, answer.status, answer.body.code]).toEqual([query, 400, "CURSOR_INVALID"]);
    }
    const other = await server.request("GET", `/api/sessions/one/events?cursor=${cursor}`);
    expect([other.status, other.body.code]).toEqual([400, "CURSOR_INVALID"]);
    const again = await server.request("GET", `/api/sessions?device_id=laptop&limit=1000&cursor=${cursor}`);
    expect(again.body.sessions).toHaveLength(1);
  });
});

describe("one session", () => {
  test("that does not exist is a 404, with any id", async () => {
    for (const id of [
      "nobody",
      "%00",
      "a%00b",
      "%E0%A4%A",
      "x".repeat(5000),
      "%F0%9F%92%A9",
      "'%20OR%201=1",
    ]) {
      for (const path of ["", "/events", "/git"]) {
        const { status, body } = await server.request("GET", `/api/sessions/${id}${path}`);
        expect([id, path, status, body.code]).toEqual([id, path, 404, "NOT_FOUND"]);
      }
    }
  });

  test("comes with its four kinds of relations, empty where there are none", async () => {
    await ingest(server, [sessionStart("one")]);
    const { status, body } = await server.request("GET", "/api/sessions/one");
    expect(status).toBe(200);
    expect(body.session).toMatchObject({
      id: "one",
      subagents: [],
      skills: [],
      worktrees: [],
      teammates: [],
    });
  });
});

describe("a session's events and git activity", () => {
  test("are those that name it, and git activity that it is matched to, oldest first", async () => {
    const inside = gitCommit({ timestamp: at(5) });
    const named = gitCommit({ timestamp: at(6), session_id: "one" });
    const outside = gitCommit({ timestamp: at(99) });
    const start = sessionStart("one", { timestamp: at(0) });
    const end = sessionEnd("one", { timestamp: at(10) });
    await ingest(server, [end, named, inside, outside, start]);
    const events = await walk(server, "/api/sessions/one/events?limit=2", "events");
    expect(events.map((row) => row.id)).toEqual([start.id, named.id, end.id]);
    const git = await walk(server, "/api/sessions/one/git?limit=1", "git_activity");
    expect(git.map((row) => row.id)).toEqual([inside.id, named.id]);
    expect(git).toMatchObject([
      { type: "commit", timestamp: at(5), session_id: null, insertions: 2, session_match: "possible" },
      { timestamp: at(6), session_id: "one", session_match: "exact", session_inferred: false },
    ]);
    const exact = await walk(server, "/api/sessions/one/git?match=exact,evidence&limit=1", "git_activity");
    expect(exact.map((row) => row.id)).toEqual([named.id]);
    const { body } = await server.request("GET", "/api/sessions/one/git?limit=1");
    const other = await server.request(
      "GET",
      `/api/sessions/one/git?limit=1&match=exact&cursor=${body.next_cursor}`,
    );
    expect([other.status, other.body.code]).toEqual([400, "CURSOR_INVALID"]);
    expect((await server.request("GET", "/api/sessions/one/git?match=sure")).status).toBe(400);
  });

  test("walked to the end while later ones arrive, come once each", async () => {
    const events = Array.from({ length: 20 }, (_, i) =>
      event({ session_id: "one", timestamp: at(0, i % 5), data: { i } }),
    );
    await ingest(server, events);
    let late = 0;
    const seen = await walk(server, "/api/sessions/one/events?limit=3", "events", async () => {
      late += 1;
      if (late <= 3) await ingest(server, [event({ session_id: "one", timestamp: at(late) })]);
    });
    expect(new Set(seen.map((row) => row.id)).size).toBe(seen.length);
    expect(seen).toHaveLength(23);
    expect(seen.map((row) => row.timestamp)).toEqual(seen.map((row) => row.timestamp).toSorted());
  });

  test("keep whole numbers that no double holds", async () => {
    const { id, ...rest } = event({ session_id: "one" });
    const text = JSON.stringify({ events: [{ id, ...rest, data: { n: 0 } }] }).replace(
      '"n":0',
      '"n":12345678901234567890',
    );
    await server.request("POST", "/api/events", text);
    const response = await server
      .current()
      .app.request("/api/sessions/one/events", { headers: { authorization: `Bearer ${server.key}` } });
    expect(await response.text()).toMatch(/"n": ?12345678901234567890\b/);
  });
});

describe("POST /api/sessions/batch-status", () => {
  test("tells the known from the unknown", async () => {
    await ingest(server, [sessionStart("one"), sessionStart("two"), sessionEnd("two")]);
    const { status, body } = await server.request("POST", "/api/sessions/batch-status", {
      session_ids: ["one", "two", "two", "three", "nul\0"],
    });
    expect(status).toBe(200);
    expect(body.statuses.one).toMatchObject({ lifecycle: "capturing", parse_status: "pending" });
    expect(body.statuses.two.lifecycle).toBe("ended");
    expect(body).toMatchObject({ not_found: ["three", "nul\0"], deleted: [] });
  });

  test("marks sessions that will not change as complete", async () => {
    const lifecycles = ["detected", "capturing", "ended", "parsed", "summarized", "archived", "failed"];
    await ingest(
      server,
      lifecycles.map((id) => sessionStart(id)),
    );
    await server.sql`UPDATE sessions SET lifecycle = id`;
    const { body } = await server.request("POST", "/api/sessions/batch-status", { session_ids: lifecycles });
    const complete = lifecycles.filter((id) => body.statuses[id].complete);
    expect(complete).toEqual(["summarized", "archived"]);
    expect(body.statuses.ended.complete).toBe(false);
  });

  test("takes ten thousand ids and no more", async () => {
    const session_ids = Array.from({ length: 10_000 }, (_, i) => `s${i}`);
    const full = await server.request("POST", "/api/sessions/batch-status", { session_ids });
    expect([full.status, full.body.not_found.length]).toEqual([200, 10_000]);
    const over = await server.request("POST", "/api/sessions/batch-status", {
      session_ids: [...session_ids, "x"],
    });
    expect([over.status, over.body.errors[0].pointer]).toEqual([400, "/session_ids"]);
  });
});
