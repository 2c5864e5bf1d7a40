import { expect, test } from "bun:test";
import { walk } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { PAGE_BYTES_MAX } from "../../db/reads/page-bytes.ts";

const server = setupApp();

const ROWS = 12;
/** Of text that compresses well: stored, all of it is smaller than a page. */
const LARGE = Math.ceil(PAGE_BYTES_MAX / 5);

/** Rows of every list, each with a text of `bytes` times this character. */
async function fill(bytes: number, count = ROWS, character = "y"): Promise<void> {
  const { sql } = server;
  const json = sql`jsonb_build_object('x', repeat(${character}, ${bytes}))`;
  const text = sql`repeat(${character}, ${bytes})`;
  const rows = sql`generate_series(1, ${count}) n`;
  const time = sql`timestamptz '2025-01-01Z' + make_interval(secs => n)`;
  await sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'w', 'w')`;
  await sql`INSERT INTO devices (id, name, type) VALUES ('d', 'd', 'local')`;
  await sql`INSERT INTO devices (id, name, type, metadata) SELECT 'd' || n, 'd', 'local', ${json} FROM ${rows}`;
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at, initial_prompt)
    SELECT 's' || n, 'w', 'd', ${time}, ${text} FROM ${rows}`;
  await sql`
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
    SELECT 'e' || n, 'a.b', ${time}, 'd', 'w', 's1', ${json} FROM ${rows}`;
  await sql`
    INSERT INTO git_activity (id, workspace_id, device_id, session_id, type, timestamp, data)
    SELECT 'g' || n, 'w', 'd', 's1', 'commit', ${time}, ${json} FROM ${rows}`;
  await sql`
    INSERT INTO git_activity (id, workspace_id, device_id, type, timestamp, message)
    SELECT 'u' || n, 'w', 'd', 'commit', ${time}, ${text} FROM ${rows}`;
  await sql`INSERT INTO ingest_notes (event_id, kind, body) SELECT 'e' || n, 'rejected', ${text} FROM ${rows}`;
  await sql`
    INSERT INTO remote_envs (id, workspace_id, instance_type, region, blueprint)
    SELECT 'r' || n, 'w', 't', 'r', ${json} FROM ${rows}`;
  await sql`INSERT INTO blueprints (id, name, source, config) SELECT 'b' || n, 'b', 'manual', ${json} FROM ${rows}`;
}

const LISTS = [
  ["sessions", "/api/sessions", "sessions"],
  ["events", "/api/sessions/s1/events", "events"],
  ["git activity", "/api/sessions/s1/git", "git_activity"],
  ["notes", "/api/ingest/notes", "notes"],
  ["devices", "/api/devices", "devices"],
  ["remote environments", "/api/remote-envs", "remote_envs"],
  ["blueprints", "/api/blueprints", "blueprints"],
] as const;

test.each(LISTS)("a page of %s ends where it is full, and the next one leads on", async (_, path, name) => {
  await fill(LARGE);
  const first = await server.request("GET", `${path}?limit=500`);
  expect(first.body[name]).toHaveLength(4);
  expect(first.body).toMatchObject({ has_more: true, next_cursor: expect.any(String) });
  expect(Object.keys(first.body[name][0])).not.toContain("page_is_full");
  const rows = await walk(server, `${path}?limit=500`, name);
  expect(rows.filter((row) => row.id !== "d")).toHaveLength(ROWS);
  expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
});

test("a row larger than a page has a page of its own; the last page has none after it", async () => {
  await fill(PAGE_BYTES_MAX + 1, 2);
  const rows = await walk(server, "/api/sessions/s1/events?limit=500", "events");
  expect(rows.map((row) => row.id)).toEqual(["e1", "e2"]);
  const { body } = await server.request("GET", "/api/sessions/s1/events?limit=1");
  expect(body.events).toHaveLength(1);
});

test("small rows fill a page by their number alone", async () => {
  await fill(10);
  for (const [, path, name] of LISTS) {
    const { body } = await server.request("GET", `${path}?limit=500`);
    expect([body[name].filter((row: { id: string }) => row.id !== "d").length, body.has_more]).toEqual([
      ROWS,
      false,
    ]);
  }
});

test("the timeline leads through all sessions and git activity, page by page", async () => {
  await fill(LARGE);
  const sessions = new Set<string>();
  const git = new Set<string>();
  for (const item of await walk(server, "/api/timeline?limit=100", "items")) {
    if (item.type === "session") sessions.add(item.session.id);
    else for (const row of item.git_activity) git.add(row.id);
  }
  expect([sessions.size, git.size]).toEqual([ROWS, ROWS]);
  const { body } = await server.request("GET", "/api/timeline?limit=100");
  expect(JSON.stringify(body).length).toBeLessThan(4 * PAGE_BYTES_MAX);
});

/** Two bytes in JSON, one in Postgres. */
const QUOTE = '"';
/** FEW_ROWS of them are more than a page in JSON, and less stored. */
const QUOTES = 400_000;

/** More than a page of them. */
const FEW_ROWS = 6;

/** Rows of what has a list, or lists in its details, besides those of `fill`. */
async function fillRelated(count: number): Promise<void> {
  const { sql } = server;
  const rows = sql`generate_series(1, ${count}) n`;
  const text = sql`repeat(${QUOTE}, ${QUOTES})`;
  await sql`
    INSERT INTO workspaces (id, canonical_id, display_name, metadata)
    SELECT 'w' || n, 'w' || n, 'w', jsonb_build_object('x', ${text}) FROM ${rows}`;
  await sql`INSERT INTO workspace_devices (workspace_id, device_id, local_path) SELECT 'w' || n, 'd', ${text} FROM ${rows}`;
  await sql`INSERT INTO workspace_devices (workspace_id, device_id, local_path) SELECT 'w', 'd' || n, ${text} FROM ${rows}`;
  await sql`
    INSERT INTO git_activity (id, workspace_id, device_id, type, timestamp, branch)
    SELECT 'b' || n, 'w', 'd', 'commit', now(), n || ${text} FROM ${rows}`;
  await sql`INSERT INTO subagents (id, session_id, agent_type) SELECT 'a' || n, 's1', ${text} FROM ${rows}`;
  await sql`INSERT INTO session_skills (id, session_id, skill_name, invoked_at) SELECT 'k' || n, 's1', ${text}, now() FROM ${rows}`;
  await sql`INSERT INTO session_worktrees (id, session_id, branch, created_at) SELECT 't' || n, 's1', ${text}, now() FROM ${rows}`;
  await sql`INSERT INTO teams (id, session_id, team_name) VALUES ('t', 's1', 't')`;
  await sql`INSERT INTO teammates (id, team_id, session_id, entity_name) SELECT 'm' || n, 't', 's1', ${text} FROM ${rows}`;
}

test("a response is as small when its texts are longer in JSON than stored, and leads to all rows", async () => {
  await fill(QUOTES, FEW_ROWS, QUOTE);
  await fillRelated(FEW_ROWS);
  const bytesOf = (body: object) => Buffer.byteLength(JSON.stringify(body));
  const more = [
    ["workspaces", "/api/workspaces", "workspaces"],
    ["prompts", "/api/prompts/pending?device_id=d", "prompts"],
  ] as const;
  for (const [, path] of [...LISTS, ...more]) {
    const first = `${path}${path.includes("?") ? "&" : "?"}limit=500`;
    const { body } = await server.request("GET", first);
    expect([path, body.has_more]).toEqual([path, true]);
    expect([path, bytesOf(body) < PAGE_BYTES_MAX + 10_000]).toEqual([path, true]);
  }
  for (const [, path, name] of more)
    expect((await walk(server, path, name)).length).toBeGreaterThanOrEqual(FEW_ROWS);
  for (const path of ["/api/workspaces/w", "/api/devices/d", "/api/sessions/s1", "/api/timeline?limit=100"]) {
    const { status, body } = await server.request("GET", path);
    expect([path, status, bytesOf(body) < 3 * PAGE_BYTES_MAX]).toEqual([path, 200, true]);
  }
});
