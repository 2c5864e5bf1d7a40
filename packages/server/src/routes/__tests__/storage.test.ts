import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { setupSchema, storageSchema } from "@wharf/protocol";
import postgres from "postgres";
import { event, ingest, sessionStart } from "../../__tests__/events.ts";
import { openApp, setupApp } from "../../__tests__/setup-app.ts";
import { sampleStorage } from "../../db/edits/storage-samples.ts";
import { readTableSizes } from "../../db/reads/storage.ts";

const server = setupApp();
const MB = 1024 * 1024;

type Named = { name: string };

async function databaseBytes(): Promise<number> {
  const [row] = await server.sql`SELECT pg_database_size(current_database())::float8 AS bytes`;
  return Number(row?.["bytes"]);
}

test("tables come with rows and bytes, partitions within their table, and no growth without a sample", async () => {
  await server.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'github.com/acme/site', 'site')`;
  await server.sql`INSERT INTO workspace_retention (workspace_id, raw_days, events_days) VALUES ('w', 90, NULL)`;
  await server.sql`ANALYZE workspaces`;
  const { status, body } = await server.request("GET", "/api/storage");
  expect(status).toBe(200);
  const names: string[] = body.tables.map(({ name }: Named) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("jobs_archive");
  expect(names.filter((name) => name.startsWith("jobs_archive_"))).toEqual([]);
  const workspaces = body.tables.find(({ name }: Named) => name === "workspaces");
  expect(workspaces).toMatchObject({ rows: 1, bytes_per_day: null });
  expect(workspaces.bytes).toBeGreaterThan(workspaces.index_bytes);
  expect(body).toMatchObject({
    database: { bytes_per_day: null },
    disk: null,
    samples: [],
    blobs: { kind: "postgres", count: 0, bytes: 0 },
    transcripts: { files: 0, source_bytes: 0, stored_bytes: 0 },
    retention: {
      workspaces: [
        { workspace_id: "w", workspace_name: "site", raw_days: 90, parsed_days: null, events_days: null },
      ],
      table_hours: { ingest_notes: 720, change_log: 24 },
    },
  });
});

test("growth is the difference to the oldest sample of 30 days, and tells when the disk is full", async () => {
  const bytes = await databaseBytes();
  const tables = await readTableSizes(server.sql);
  const events = tables.find(({ name }) => name === "events")?.bytes ?? 0;
  const sample = (days: number, mb: number, sizes = {}) => server.sql`
    INSERT INTO storage_samples (day, sampled_at, bytes, tables)
    VALUES (current_date - ${days}::integer, now() - make_interval(days => ${days}), ${bytes - mb * MB},
      ${JSON.stringify(sizes)}::text::jsonb)`;
  await sample(40, 4_000);
  await sample(10, 100, { events: events - 10 * MB });
  await sample(1, 1);
  const embedded = await openApp(server.url, { databaseFolder: tmpdir() });
  const authorization = `Bearer ${server.key}`;
  const response = await embedded.app.request("/api/storage", { headers: { authorization } });
  const body = storageSchema.parse(await response.json());
  const perDay = body.database.bytes_per_day ?? 0;
  // The database may grow meanwhile.
  expect(perDay / MB).toBeWithin(9, 11);
  const table = body.tables.find(({ name }) => name === "events");
  expect(Math.round((table?.bytes_per_day ?? 0) / MB)).toBe(1);
  expect(body.samples).toHaveLength(3);
  const { free_bytes = 0, total_bytes = 0, days_to_full } = body.disk ?? {};
  expect(total_bytes).toBeGreaterThanOrEqual(free_bytes);
  expect(days_to_full).toBe(Math.floor(free_bytes / perDay));
  await embedded.drain();
});

test("one sample is kept a day in UTC, and those of more than 400 days are deleted, in any time zone of the database", async () => {
  // It is another day in one of them at any time.
  for (const TimeZone of ["Pacific/Kiritimati", "Etc/GMT+12"]) {
    const sql = postgres(server.url, { max: 1, connection: { TimeZone } });
    await sql`
      INSERT INTO storage_samples (day, bytes, tables)
      SELECT (now() AT TIME ZONE 'UTC')::date - age, 1, '{}' FROM unnest('{400, 401}'::integer[]) age`;
    await sampleStorage(sql);
    const before = await sql`
      SELECT (now() AT TIME ZONE 'UTC')::date - day AS age, sampled_at, tables FROM storage_samples ORDER BY day DESC`;
    expect(before.map(({ age }) => age)).toEqual([0, 400]);
    expect(before[0]?.["tables"].events).toBeGreaterThan(0);
    await sampleStorage(sql);
    const after = await sql`SELECT sampled_at FROM storage_samples ORDER BY day DESC`;
    expect(after).toEqual(before.map(({ sampled_at }) => ({ sampled_at })) as never);
    await sql`DELETE FROM storage_samples`;
    await sql.end();
  }
});

describe("the setup", () => {
  type Item = { id: string; agent: string | null; is_done: boolean; todo: string };
  const read = async (headers = {}) => (await server.request("GET", "/api/setup", undefined, headers)).body;
  const done = ({ items }: { items: Item[] }) =>
    items.filter(({ is_done }) => is_done).map(({ id, agent }) => (agent === null ? id : `${id} ${agent}`));

  test("of a new hub names what to do, and each step is done by what happens", async () => {
    const first = await read();
    expect(first.items.map(({ id }: Item) => id)).toEqual([
      ...["device", "event", "hooks", "transcript", "search", "database", "https"],
    ]);
    expect(done(first)).toEqual(["database"]);
    for (const { todo } of first.items) expect(todo).toEndWith(".");

    await ingest(server, [event({})]);
    expect(done(await read())).toEqual(["device", "event", "database"]);
    await server.sql`
      INSERT INTO sessions (id, workspace_id, device_id, agent, started_at)
      SELECT 's', workspace_id, device_id, 'codex', now() FROM workspace_devices`;
    await ingest(server, [
      sessionStart("t", { data: { cc_session_id: "t", cwd: "/", agent: "claude-code" } }),
    ]);
    const hooks = (await read()).items.filter(({ id }: Item) => id === "hooks");
    expect(hooks).toMatchObject([
      { agent: "claude-code", is_done: true },
      { agent: "codex", is_done: false },
    ]);
    await server.request("GET", "/api/search?q=retry");
    const last = await read({ "x-forwarded-proto": "https" });
    expect(done(last)).toEqual(["device", "event", "hooks claude-code", "search", "database", "https"]);
    expect(last.is_done).toBe(false);
  });

  test("counts machines alone, not what the demo sent", async () => {
    const demo = sessionStart("t", { data: { cc_session_id: "t", cwd: "/", agent: "codex" } });
    await ingest(server, [{ ...demo, device_id: "demo-laptop" }]);
    const { items } = await read();
    expect(done({ items })).toEqual(["database"]);
    expect(items.find(({ id }: Item) => id === "hooks").agent).toBeNull();
    await ingest(server, [
      sessionStart("u", { data: { cc_session_id: "u", cwd: "/", agent: "claude-code" } }),
    ]);
    const after = await read();
    expect(done(after)).toEqual(["device", "event", "hooks claude-code", "database"]);
    expect(after.items[2]).toMatchObject({ title: "A hook of Claude Code has reported a session" });
  });

  test("names the embedded database as a step", async () => {
    const embedded = await openApp(server.url, { databaseFolder: tmpdir() });
    const headers = { authorization: `Bearer ${server.key}` };
    const body = setupSchema.parse(await (await embedded.app.request("/api/setup", { headers })).json());
    expect(body.items.find(({ id }) => id === "database")?.is_done).toBe(false);
    await embedded.drain();
  });
});
