import { expect, test } from "bun:test";
import { walk } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { PAGE_BYTES_MAX } from "../../db/reads/page-bytes.ts";

const server = setupApp();

const ROWS = 12;
/** Of text that compresses well: stored, all of it is smaller than a page. */
const LARGE = Math.ceil(PAGE_BYTES_MAX / 5);

/** Rows of every list, each with a text of `bytes`. */
async function fill(bytes: number, count = ROWS): Promise<void> {
  const { sql } = server;
  const json = sql`jsonb_build_object('x', repeat('y', ${bytes}))`;
  const text = sql`repeat('y', ${bytes})`;
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
  expect(first.body[name]).toHaveLength(5);
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
