import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import pino from "pino";
import { at, event, gitCommit, ingest, sessionEnd, sessionStart, walk } from "../../__tests__/events.ts";
import { requestVariables } from "../../__tests__/request-variables.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { answerError } from "../../http/failures.ts";
import type { AppEnv } from "../../http/request-context.ts";
import { workspaceRoutes } from "../workspaces.ts";

const server = setupApp();

async function fill() {
  const site = { workspace_id: "github.com/acme/site" };
  await ingest(server, [
    sessionStart("one", { ...site, timestamp: at(0), device_id: "laptop" }),
    sessionEnd("one", { ...site, timestamp: at(60), device_id: "laptop" }),
    sessionStart("two", { ...site, timestamp: at(100), device_id: "desktop" }),
    sessionStart("three", { workspace_id: "github.com/acme/api", timestamp: at(50), device_id: "laptop" }),
    event({ workspace_id: "github.com/acme/quiet" }),
  ]);
  await server.sql`UPDATE sessions SET tokens_in = 10, tokens_out = 20, cost_estimate_usd = 0.25 WHERE id IN ('one', 'two')`;
}

/** What the totals have to be, counted from the sessions themselves. */
async function countedTotals() {
  return await server.sql`
    SELECT workspace_id, device_id, count(*)::int AS sessions,
      count(*) FILTER (WHERE lifecycle IN ('detected', 'capturing'))::int AS active,
      coalesce(sum(cost_estimate_usd), 0)::float AS cost, coalesce(sum(duration_ms), 0)::float AS duration,
      max(started_at)::text AS last
    FROM sessions GROUP BY workspace_id, device_id ORDER BY workspace_id, device_id`;
}

async function keptTotals() {
  return await server.sql`
    SELECT workspace_id, device_id, session_count::int AS sessions, active_session_count::int AS active,
      total_cost_usd::float AS cost, total_duration_ms::float AS duration, last_session_at::text AS last
    FROM session_totals WHERE session_count > 0 ORDER BY workspace_id, device_id`;
}

async function countedParents() {
  return await server.sql`
    SELECT CASE WHEN workspace_id IS NULL THEN 'device' ELSE 'workspace' END AS parent, coalesce(workspace_id, device_id) AS id,
      count(*)::int AS sessions, count(*) FILTER (WHERE lifecycle IN ('detected', 'capturing'))::int AS active,
      coalesce(sum(cost_estimate_usd), 0)::float AS cost, coalesce(sum(duration_ms), 0)::float AS duration,
      max(started_at)::text AS last
    FROM sessions GROUP BY GROUPING SETS ((workspace_id), (device_id)) HAVING count(*) > 0 ORDER BY parent, id`;
}

async function keptParents() {
  return await server.sql`
    SELECT parent, id, sum(session_count)::int AS sessions, sum(active_session_count)::int AS active,
      sum(total_cost_usd)::float AS cost, sum(total_duration_ms)::float AS duration, max(last_session_at)::text AS last
    FROM parent_totals GROUP BY parent, id HAVING sum(session_count) > 0 ORDER BY parent, id`;
}

describe("GET /api/workspaces", () => {
  test("gives totals, last activity first and those without a session at the end", async () => {
    await fill();
    const { status, body } = await server.request("GET", "/api/workspaces");
    expect(status).toBe(200);
    expect(body.workspaces.map((row: { display_name: string }) => row.display_name)).toEqual([
      "site",
      "api",
      "quiet",
    ]);
    expect(body.workspaces[0]).toMatchObject({
      canonical_id: "github.com/acme/site",
      session_count: 2,
      active_session_count: 1,
      last_session_at: at(100),
      device_count: 2,
      total_cost_usd: 0.5,
      total_duration_ms: 60_000,
      total_tokens_in: 20,
      total_tokens_out: 40,
    });
    expect(body.workspaces[2]).toMatchObject({
      session_count: 0,
      last_session_at: null,
      device_count: 1,
      total_cost_usd: 0,
    });
  });

  test("walked to the end, gives each workspace once, with and without sessions", async () => {
    const events = Array.from({ length: 9 }, (_, i) => {
      const workspace_id = `github.com/acme/w${i}`;
      return i % 2 === 0
        ? event({ workspace_id })
        : sessionStart(`s${i}`, { workspace_id, timestamp: at(0, i % 4) });
    });
    await ingest(server, events);
    const rows = await walk(server, "/api/workspaces?limit=2", "workspaces", async () => {
      await ingest(server, [event({ workspace_id: "github.com/acme/w1" })]);
    });
    const names = rows.map((row) => row.display_name);
    expect(names.toSorted()).toEqual(Array.from({ length: 9 }, (_, i) => `w${i}`));
    expect(rows.map((row) => row.session_count)).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0]);
  });
});

describe("pages of GET /api/workspaces", () => {
  /** Four last active at one instant, two at another, one whose only session is deleted, and three that never had one. */
  async function fillWithTies() {
    const starts = [5, 5, 5, 5, 9, 9, 7].map((minute, i) =>
      sessionStart(`s${i}`, { workspace_id: `github.com/acme/w${i}`, timestamp: at(0, minute) }),
    );
    const others = [7, 8, 9].map((i) => event({ workspace_id: `github.com/acme/w${i}` }));
    await ingest(server, [...starts, ...others]);
    await server.request("DELETE", "/api/sessions/s6");
  }

  test("of any size are parts of one order: ties by id, and those without a session after all others", async () => {
    await fillWithTies();
    const expected = await server.sql`
      SELECT id FROM workspaces w LEFT JOIN (SELECT workspace_id, max(started_at) AS last FROM sessions GROUP BY 1) s
        ON s.workspace_id = w.id
      ORDER BY s.last DESC NULLS LAST, w.id DESC`;
    for (let limit = 1; limit <= expected.length + 1; limit++) {
      const rows = await walk(server, `/api/workspaces?limit=${limit}`, "workspaces");
      expect(rows.map((row) => row.id)).toEqual(expected.map((row) => row["id"]));
      expect(rows.map((row) => row.session_count)).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    }
  });
});

describe("totals", () => {
  test("equal what the sessions add up to, after any change to any of them", async () => {
    await fill();
    expect([...(await keptTotals())]).toEqual([...(await countedTotals())]);
    expect([...(await keptParents())]).toEqual([...(await countedParents())]);
    const changes = [
      () => server.request("DELETE", "/api/sessions/two"),
      () => server.sql`UPDATE sessions SET lifecycle = 'archived', duration_ms = 5 WHERE id = 'three'`,
      () => server.sql`UPDATE sessions SET device_id = 'desktop' WHERE id = 'three'`,
      () => server.sql`UPDATE sessions SET started_at = started_at - interval '1 day'`,
      () => server.sql`UPDATE sessions SET cost_estimate_usd = NULL`,
      () => server.request("DELETE", "/api/sessions/three"),
    ];
    for (const change of changes) {
      await change();
      expect([...(await keptTotals())]).toEqual([...(await countedTotals())]);
      expect([...(await keptParents())]).toEqual([...(await countedParents())]);
    }
  });

  test("stay exact while many flushes, on two connections, start and end sessions and others delete them", async () => {
    const sends = Array.from({ length: 60 }, async (_, i) => {
      const place = { workspace_id: `github.com/acme/w${i % 3}`, device_id: `d${i % 2}` };
      await ingest(server, [sessionStart(`s${i}`, { ...place, timestamp: at(i) })]);
      if (i % 2 === 0) await ingest(server, [sessionEnd(`s${i}`, { ...place, timestamp: at(i + 5) })]);
      if (i % 5 === 0) await server.request("DELETE", `/api/sessions/s${i}`);
    });
    await Promise.all(sends);
    expect([...(await keptTotals())]).toEqual([...(await countedTotals())]);
    expect([...(await keptParents())]).toEqual([...(await countedParents())]);
  });

  test("that a transaction holds locked keep no flush waiting, and are exact when it has ended", async () => {
    const start = (id: string, device_id: string) =>
      sessionStart(id, { workspace_id: "github.com/acme/w", device_id });
    await ingest(server, [start("first", "d1")]);
    await server.sql.begin(async (sql) => {
      await sql`UPDATE sessions SET cost_estimate_usd = 2 WHERE id = 'first'`;
      const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
      const body = JSON.stringify({ events: [start("second", "d2")] });
      const { app } = server.current();
      expect((await app.request("/api/events", { method: "POST", headers, body })).status).toBe(202);
    });
    await server.projected();
    expect([...(await keptParents())]).toEqual([...(await countedParents())]);
  });

  test("of git activity follow what is added and what goes with a deleted session", async () => {
    const commits = Array.from({ length: 30 }, (_, i) =>
      gitCommit({ workspace_id: `github.com/acme/w${i % 3}`, session_id: i % 2 === 0 ? "one" : null }),
    );
    const send = (events: object[]) => server.request("POST", "/api/events", { events });
    await Promise.all([send(commits.slice(0, 15)), send(commits.slice(15)), send(commits)]);
    const totals = () =>
      server.sql`
        SELECT workspace_id, type, count::int FROM git_totals WHERE count <> 0 ORDER BY 1`;
    const counted = () =>
      server.sql`SELECT workspace_id, type, count(*)::int FROM git_activity GROUP BY 1, 2 ORDER BY 1`;
    expect([...(await totals())]).toEqual([...(await counted())]);
    await server.request("DELETE", "/api/sessions/one");
    expect([...(await totals())]).toEqual([...(await counted())]);
    expect((await server.request("GET", "/api/workspaces/w0")).body.git_summary.total_commits).toBe(5);
  });
});

describe("GET /api/workspaces/:idOrName", () => {
  test("finds a workspace by id, canonical id (with or without encoded slashes) and display name", async () => {
    await fill();
    const [row] = await server.sql`SELECT id FROM workspaces WHERE display_name = 'site'`;
    const id = String(row?.["id"]);
    for (const reference of [id, "github.com%2Facme%2Fsite", "github.com/acme/site", "site"]) {
      const { status, body } = await server.request("GET", `/api/workspaces/${reference}`);
      expect([reference, status, body.workspace?.id]).toEqual([reference, 200, id]);
    }
  });

  test("gives recent sessions, devices, git summary and stats", async () => {
    await fill();
    await ingest(server, [
      gitCommit({ timestamp: at(1) }),
      gitCommit({ timestamp: at(2), data: { branch: "feature" } }),
      event({ type: "git.push", data: { branch: "main", remote: "origin", commit_count: 1 } }),
    ]);
    await server.sql`UPDATE git_activity SET timestamp = now() WHERE branch = 'feature'`;
    const { body } = await server.request("GET", "/api/workspaces/site");
    expect(body.recent_sessions.map((row: { id: string }) => row.id)).toEqual(["two", "one"]);
    expect(body.devices).toHaveLength(2);
    expect(body.devices.find((row: { id: string }) => row.id === "laptop")).toMatchObject({
      local_path: "/home/ada/site",
      session_count: 1,
      total_duration_ms: 60_000,
    });
    expect(body.git_summary).toMatchObject({
      total_commits: 2,
      total_pushes: 1,
      active_branches: ["feature"],
    });
    expect(body.git_summary.last_commit_at).toMatch(/^\d{4}-.*\.\d{6}Z$/);
    expect(body.stats).toMatchObject({ session_count: 2, active_session_count: 1, total_cost_usd: 0.5 });
  });

  test("a commit states where the device keeps the workspace", async () => {
    await ingest(server, [gitCommit({ timestamp: at(1), data: { cwd: "/home/ada/late" } })]);
    await ingest(server, [gitCommit({ timestamp: at(0), data: { cwd: "/home/ada/early" } })]);
    const { body } = await server.request("GET", "/api/workspaces/site");
    expect(body.devices).toMatchObject([{ local_path: "/home/ada/late" }]);
  });

  test("a name of several workspaces is a 400 with the matches", async () => {
    await ingest(server, [
      event({ workspace_id: "github.com/acme/site" }),
      event({ workspace_id: "github.com/other/site" }),
    ]);
    const { status, body } = await server.request("GET", "/api/workspaces/site");
    expect([status, body.code]).toEqual([400, "WORKSPACE_AMBIGUOUS"]);
    expect(body.matches.map((row: { canonical_id: string }) => row.canonical_id)).toEqual([
      "github.com/acme/site",
      "github.com/other/site",
    ]);
  });

  test("one that does not exist is a 404, with any reference", async () => {
    for (const reference of ["nothing", "%00", "a/b/c", "%E0%A4%A", "x".repeat(5000)]) {
      const { status } = await server.request("GET", `/api/workspaces/${reference}`);
      expect([reference, status]).toEqual([reference, 404]);
    }
  });
});

describe("a workspace that is named in another case", () => {
  const find = (reference: string) => server.request("GET", `/api/workspaces/${reference}`);

  test("is found by its canonical id and by its name", async () => {
    await ingest(server, [event({ workspace_id: "github.com/Acme/Site" })]);
    for (const reference of ["github.com/acme/site", "GITHUB.COM/ACME/SITE", "site", "SITE"]) {
      const { status, body } = await find(reference);
      expect([reference, status, body.workspace?.canonical_id]).toEqual([
        reference,
        200,
        "github.com/Acme/Site",
      ]);
    }
    expect((await find("sit")).status).toBe(404);
    expect((await find("S%25TE")).status).toBe(404);
  });

  test("is the one that is spelled so where others differ in case alone, and ambiguous where none is", async () => {
    await ingest(server, [
      event({ workspace_id: "one.example/a/Site" }),
      event({ workspace_id: "two.example/a/site" }),
    ]);
    expect((await find("site")).body.workspace.canonical_id).toBe("two.example/a/site");
    expect((await find("Site")).body.workspace.canonical_id).toBe("one.example/a/Site");
    const { status, body } = await find("SITE");
    expect([status, body.code, body.matches.length]).toEqual([400, "WORKSPACE_AMBIGUOUS", 2]);
  });
});

test("a workspace's stats carry the names of earlier versions too", async () => {
  await fill();
  await server.sql`UPDATE sessions SET total_messages = CASE id WHEN 'one' THEN 7 WHEN 'three' THEN 100 END`;
  const { body } = await server.request("GET", "/api/workspaces/github.com/acme/site");
  expect(body.stats).toMatchObject({
    session_count: 2,
    total_sessions: 2,
    active_session_count: 1,
    active_sessions: 1,
    total_messages: 7,
    first_session_at: at(0),
    last_session_at: at(100),
  });
  const quiet = await server.request("GET", "/api/workspaces/quiet");
  expect(quiet.body.stats).toMatchObject({ total_sessions: 0, total_messages: 0, first_session_at: null });
});

describe("a workspace that a request names", () => {
  const NAMES = [
    "github.com/acme/site",
    "git@github.com:acme/site.git",
    "https://me:word@github.com/acme/site",
    "site",
  ];
  const reads = ["sessions", "timeline", "usage", "blueprints", "remote-envs"];

  test("is found by its id, canonical id, git remote or name, in filters and in paths", async () => {
    await fill();
    const [row] = await server.sql`SELECT id FROM workspaces WHERE canonical_id = 'github.com/acme/site'`;
    for (const name of [row?.["id"], ...NAMES].map(encodeURIComponent)) {
      const { body } = await server.request("GET", `/api/sessions?workspace_id=${name}`);
      expect([name, body.sessions.length]).toEqual([name, 2]);
      for (const path of [...reads.map((read) => `${read}?workspace_id=${name}`), `workspaces/${name}`])
        expect([path, (await server.request("GET", `/api/${path}`)).status]).toEqual([path, 200]);
      for (const setting of ["retention", "redaction"])
        expect((await server.request("GET", `/api/workspaces/${name}/${setting}`)).status).toBe(200);
    }
    const blueprint = { workspace_id: "git@github.com:acme/site.git", name: "b", config: {} };
    const created = await server.request("POST", "/api/blueprints", blueprint);
    expect(created.body.blueprint.workspace_id).toBe(row?.["id"]);
    for (const action of ["reparse", "redact"]) {
      const filter = { workspace_id: "git@github.com:acme/site.git" };
      expect((await server.request("POST", `/api/sessions/${action}`, filter)).status).toBe(202);
    }
  });

  test("may be written with plain slashes before the name of a setting", async () => {
    await fill();
    const path = "/api/workspaces/github.com/acme/site/redaction";
    expect((await server.request("PUT", path, { redaction: "off" })).body.redaction).toBe("off");
    expect((await server.request("GET", path)).body.redaction).toBe("off");
    expect((await server.request("GET", "/api/workspaces/github.com/acme/site/retention")).status).toBe(200);
  });

  test("that does not exist is refused, and one of several is ambiguous", async () => {
    await ingest(server, [
      event({ workspace_id: "github.com/acme/site" }),
      event({ workspace_id: "github.com/other/site" }),
    ]);
    const answers = async (workspace_id: string) => [
      ...(await Promise.all(
        reads.map((read) => server.request("GET", `/api/${read}?workspace_id=${workspace_id}`)),
      )),
      ...(await Promise.all(
        ["reparse", "redact"].map((action) =>
          server.request("POST", `/api/sessions/${action}`, { workspace_id }),
        ),
      )),
    ];
    for (const { status, body } of await answers("nothing"))
      expect([status, body.code, body.errors[0].pointer]).toEqual([
        400,
        "REFERENCE_UNKNOWN",
        "/workspace_id",
      ]);
    for (const { status, body } of await answers("site"))
      expect([status, body.code, body.matches.length]).toEqual([400, "WORKSPACE_AMBIGUOUS", 2]);
    expect((await server.request("GET", "/api/workspaces/nothing/retention")).status).toBe(404);
  });
});

describe("the deletion of a workspace", () => {
  const remove = (reference: string) =>
    server.request("DELETE", `/api/workspaces/${encodeURIComponent(reference)}`);
  const canonicalIds = async () =>
    (await server.request("GET", "/api/workspaces")).body.workspaces
      .map((row: { canonical_id: string }) => row.canonical_id)
      .sort();

  test("takes its git activity and settings along, and leaves the others", async () => {
    await fill();
    await ingest(server, [
      gitCommit({ workspace_id: "github.com/acme/quiet", timestamp: at(10) }),
      gitCommit({ workspace_id: "github.com/acme/site", timestamp: at(10), session_id: "one" }),
    ]);
    await server.request("PUT", "/api/workspaces/quiet/retention", {
      ...{ raw_days: 30, parsed_days: null, events_days: null },
    });
    expect((await remove("github.com/acme/quiet")).status).toBe(204);
    expect(await canonicalIds()).toEqual(["github.com/acme/api", "github.com/acme/site"]);
    expect((await remove("quiet")).status).toBe(404);
    expect(await server.sql`SELECT DISTINCT session_id FROM git_activity`).toEqual([
      { session_id: "one" },
    ] as never);
    // The server has its id cached.
    await ingest(server, [event({ workspace_id: "github.com/acme/quiet", timestamp: at(20) })]);
    expect(await canonicalIds()).toContain("github.com/acme/quiet");
  });

  test("is refused as long as it has sessions", async () => {
    await fill();
    expect(await remove("site")).toMatchObject({ status: 409, body: { code: "WORKSPACE_USED" } });
    expect((await server.request("GET", "/api/sessions/one")).status).toBe(200);
    await server.sql`UPDATE sessions SET deleted_at = now() WHERE id = 'three'`;
    expect((await remove("api")).status).toBe(409);
    expect(await canonicalIds()).toHaveLength(3);
  });

  test("is refused with a parameter that the route does not have, such as the preview of another one", async () => {
    await fill();
    for (const query of ["dry_run=1", "dry_run"]) {
      const { status, body } = await server.request("DELETE", `/api/workspaces/quiet?${query}`);
      expect([status, body.detail]).toEqual([400, "/dry_run: is no parameter of this request"]);
    }
    expect(await canonicalIds()).toContain("github.com/acme/quiet");
  });

  test("that is not finished in time is a 503, by which clients repeat it", async () => {
    await fill();
    const { access, pools } = server.current();
    const deleteInPieces = async () => false;
    const app = new Hono<AppEnv>()
      .use(requestVariables(access))
      .onError(answerError(pino({ level: "silent" })))
      .route("/", workspaceRoutes({ reads: pools.reads, edits: pools.edits, deleteInPieces }));
    const headers = { authorization: `Bearer ${server.key}` };
    const response = await app.request("/quiet", { method: "DELETE", headers });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await response.json()).toMatchObject({ code: "DELETION_UNFINISHED" });
  });
});
