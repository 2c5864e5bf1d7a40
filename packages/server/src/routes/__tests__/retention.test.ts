import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { event, ingest, sessionEnd, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { type Database, openDatabase } from "../../db/database.ts";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { deriveColumns } from "../../db/transcripts/derive-columns.ts";
import { addResponses } from "../../db/usage/__tests__/add-responses.ts";
import { applyRetention } from "../../jobs/apply-retention.ts";
import { addCall, addMessages, text } from "../../transcripts/__tests__/add-messages.ts";
import { storeFile } from "../../transcripts/__tests__/store-file.ts";

const server = setupApp();
let pool: Database;

beforeAll(() => {
  pool = openDatabase(server.url, { deadlineMs: 10_000, max: 2 });
});
afterAll(() => pool.close());

const apply = (signal = new AbortController().signal) =>
  applyRetention({ database: pool, deleteInPieces: createDeleteInPieces(pool) }, signal);
const forEver = { raw_days: null, parsed_days: null, events_days: null };
const put = (retention: object, query = "", id = "w") =>
  server.request("PUT", `/api/workspaces/${id}/retention${query}`, { ...forEver, ...retention });
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

async function count(table: string): Promise<number> {
  const [row] = await server.sql`SELECT count(*)::int AS count FROM ${server.sql(table)}`;
  return Number(row?.["count"]);
}

/** A session that ended, with two segments, two messages and a call, all `days` old. */
async function addOld(days: number): Promise<void> {
  const { sql } = server;
  await storeFile(sql, createPostgresBlobStore(pool), {
    ...{ session_id: "s-1", agent: "claude-code", parts: ["one\n", "two\n"] },
  });
  const file_id = await addMessages(sql, {
    session_id: "s-1",
    messages: [
      { id: "m1", kind: "prompt", blocks: [text("Greet")] },
      { id: "m2", kind: "assistant", blocks: [text("Done.")] },
    ],
  });
  await addCall(sql, file_id, {
    session_id: "s-1",
    call_id: "c1",
    tool: "Bash",
    command: "bun test",
    exit_code: 0,
  });
  await addResponses(sql, [{ key: "r1", input: 10, cost_usd: 0.5 }]);
  await sql`UPDATE transcript_generations SET parsed_bytes = stored_bytes`;
  await sql`UPDATE sessions SET lifecycle = 'summarized', ended_at = now(), last_heard_at = ${daysAgo(days)}`;
  await sql`UPDATE transcript_files SET last_received_at = ${daysAgo(days)}`;
  await pool.run((sql) => deriveColumns(sql, "s-1"));
}

describe("the retention of a workspace", () => {
  test("is forever until it is set, and read by id or canonical id", async () => {
    await addOld(1);
    expect((await server.request("GET", "/api/workspaces/w/retention")).body).toEqual({
      ...{ retention: forEver, changes: [] },
    });
    const { status, body } = await put({ raw_days: 30 }, "", "github.com%2Facme%2Fsite");
    const retention = { ...forEver, raw_days: 30 };
    const change = { ...retention, actor: expect.any(String), request_id: expect.any(String) };
    expect([status, body]).toEqual([
      200,
      { retention, changes: [{ ...change, created_at: expect.any(String) }] },
    ]);
    expect((await server.request("GET", "/api/workspaces/w/retention")).body).toEqual(body);
    expect((await put({ raw_days: 30 }, "", "unknown")).status).toBe(404);
    for (const wrong of [{ raw_days: 0 }, { events_days: 1.5 }, { parsed_days: "7" }])
      expect((await put(wrong)).status).toBe(400);
  });

  test("is replaced as a whole: each value is required, and misspelled names change nothing", async () => {
    const path = "/api/workspaces/w/retention";
    await addOld(1);
    await put({ raw_days: 30 });
    for (const [body, detail] of [
      [{}, "/raw_days: is missing"],
      [{ raw_days: 30 }, "/parsed_days: is missing"],
      [{ ...forEver, raw_day: 30 }, 'The request: has the unknown field "raw_day"; check its spelling'],
    ] as const)
      expect((await server.request("PUT", path, body)).body).toMatchObject({ status: 400, detail });
    const misspelled = await server.request("PUT", `${path}?dryrun=1`, forEver);
    expect(misspelled.body.detail).toBe("/dryrun: is unknown; did you mean dry_run?");
    expect((await server.request("GET", path)).body.retention).toEqual({ ...forEver, raw_days: 30 });
  });

  test("is counted by a dry run, which changes nothing", async () => {
    await addOld(31);
    await server.sql`
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, data, ingested_at)
      VALUES
        ('e1', 'test.happened', ${daysAgo(31)}, 'laptop', 'w', '{}', ${daysAgo(31)}),
        ('e2', 'test.happened', ${daysAgo(31)}, 'laptop', 'w', '{}', now())`;
    const all = { raw_days: 30, parsed_days: 30, events_days: 30 };
    const { body } = await put(all, "?dry_run=1");
    expect(body.deletes).toEqual({ segments: 2, bytes: 8, sessions: 1, messages: 2, events: 2 });
    expect((await put({ ...all, raw_days: 32 }, "?dry_run=1")).body.deletes.segments).toBe(0);
    expect(await apply()).toBe(0);
    const after = (await server.request("GET", "/api/workspaces/w/retention")).body;
    expect(after).toEqual({ retention: forEver, changes: [] });
  });

  test("keeps who changed it, newest first, and admin keys alone change or see it", async () => {
    await addOld(1);
    const { key, id } = (await server.request("POST", "/api/keys", { scope: "admin" })).body;
    const withKey = (method: string, path: string, body: object | undefined, given: string) =>
      server.current().app.request(path, {
        ...{ method, body: body === undefined ? null : JSON.stringify(body) },
        headers: { authorization: `Bearer ${given}`, "content-type": "application/json" },
      });
    const path = "/api/workspaces/w/retention";
    await put({ events_days: 9 });
    await withKey("PUT", path, { ...forEver, raw_days: 7 }, key);
    const { body } = await server.request("GET", path);
    expect(body.changes).toMatchObject([
      { raw_days: 7, events_days: null, actor: `key ${id}` },
      { raw_days: null, events_days: 9 },
    ]);
    const reader = (await server.request("POST", "/api/keys", { scope: "read" })).body.key;
    for (const [method, sent] of [
      ["GET", undefined],
      ["PUT", forEver],
    ] as const)
      expect((await withKey(method, path, sent, reader)).status).toBe(403);
    expect((await server.request("GET", path)).body.changes).toHaveLength(2);
  });
});

describe("transcripts as received", () => {
  test("are deleted with their last reference, while their device sees them as held", async () => {
    await addOld(31);
    await put({ raw_days: 30 });
    expect(await apply()).toBe(2);
    expect([await count("transcript_segments"), await count("unreferenced_blobs")]).toEqual([0, 2]);
    const { body } = await server.request("GET", "/api/sessions/s-1/transcript/files");
    expect(body.files[0]).toMatchObject({ source_bytes: 8 });
    expect([await count("transcript_messages"), await apply()]).toEqual([2, 0]);
    const [file] = await server.sql`SELECT raw_pruned_at IS NOT NULL AS is_pruned FROM transcript_files`;
    expect(file).toEqual({ is_pruned: true });
  });

  test("stay while they grow, are not parsed, or belong to another workspace", async () => {
    await addOld(29);
    await put({ raw_days: 30 });
    expect(await apply()).toBe(0);
    await server.sql`UPDATE transcript_files SET last_received_at = ${daysAgo(31)}`;
    await server.sql`UPDATE transcript_generations SET parsed_bytes = 4`;
    expect(await apply()).toBe(0);
    await server.sql`UPDATE transcript_generations SET parsed_bytes = 8`;
    await server.sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('other', 'other', 'other')`;
    await server.sql`UPDATE sessions SET workspace_id = 'other'`;
    expect(await apply()).toBe(0);
    expect(await count("transcript_segments")).toBe(2);
  });
});

describe("parsed texts", () => {
  test("are deleted, while the session, its counts, responses and calls stay", async () => {
    await addOld(31);
    await put({ parsed_days: 30 });
    const read = async () => (await server.request("GET", "/api/sessions/s-1")).body.session;
    const before = await read();
    expect(before).toMatchObject({
      total_messages: 2,
      user_messages: 1,
      tokens_in: 10,
      cost_estimate_usd: 0.5,
    });
    await apply();
    await pool.run((sql) => deriveColumns(sql, "s-1"));
    const { lifecycle, updated_at, ...after } = await read();
    expect(lifecycle).toBe("archived");
    expect({ ...after, lifecycle: "summarized", updated_at: before.updated_at }).toEqual(before);
    for (const table of ["transcript_messages", "content_blocks"])
      expect([table, await count(table)]).toEqual([table, 0]);
    const calls = await server.sql`SELECT command, exit_code FROM tool_calls`;
    expect([...calls]).toEqual([{ command: null, exit_code: 0 }]);
    expect([await count("model_responses"), await count("transcript_segments")]).toEqual([1, 2]);
    expect(await apply()).toBe(0);
  });

  test("stay in sessions that are open or were heard of", async () => {
    await addOld(31);
    await put({ parsed_days: 30 });
    await server.sql`UPDATE sessions SET lifecycle = 'capturing', ended_at = NULL`;
    expect(await apply()).toBe(0);
    await server.sql`UPDATE sessions SET lifecycle = 'ended', last_heard_at = now()`;
    expect(await apply()).toBe(0);
    expect(await count("transcript_messages")).toBe(2);
  });

  test("of which a run was interrupted are deleted by the next one", async () => {
    await addOld(31);
    await put({ parsed_days: 30 });
    await server.sql`UPDATE sessions SET lifecycle = 'archived'`;
    await server.sql`DELETE FROM content_blocks`;
    expect(await apply(AbortSignal.abort())).toBe(0);
    await apply();
    expect(await count("transcript_messages")).toBe(0);
  });
});

describe("events", () => {
  const workspace_id = "github.com/acme/site";
  const happened = (days: number) => event({ timestamp: daysAgo(days), workspace_id });

  async function send(events: object[]) {
    const { body } = await server.request("POST", "/api/events", { events });
    await server.projected();
    return body.results.map(({ status }: { status: string }) => status);
  }

  async function retain(events_days: number): Promise<void> {
    const [workspace] = await server.sql`SELECT id FROM workspaces`;
    await put({ events_days }, "", workspace?.["id"]);
  }

  test("that are older than the retention are deleted, and their session stays as it was", async () => {
    await ingest(server, [
      sessionStart("s-1", { timestamp: daysAgo(31), workspace_id }),
      happened(31),
      happened(29),
      sessionEnd("s-1", { timestamp: daysAgo(30.5), workspace_id }),
    ]);
    await server.sql`UPDATE events SET ingested_at = now() - interval '2 hours'`;
    await retain(30);
    const read = async () => (await server.request("GET", "/api/sessions/s-1")).body.session;
    const before = await read();
    await apply();
    expect(await count("events")).toBe(1);
    await server.sql`UPDATE sessions SET is_outdated = true`;
    expect(await read()).toEqual(before);
  });

  test("that are older than the retention are answered as duplicates, and not stored", async () => {
    expect(await send([happened(40)])).toEqual(["accepted"]);
    await retain(30);
    const old = happened(40);
    expect(await send([old, happened(20), { id: "unusable" }, happened(31)])).toEqual([
      "duplicate",
      "accepted",
      "rejected",
      "duplicate",
    ]);
    expect(await server.sql`SELECT FROM events WHERE id = ${old.id}`).toHaveLength(0);
    const elsewhere = event({ timestamp: daysAgo(40), workspace_id: "github.com/acme/shop" });
    expect(await send([elsewhere])).toEqual(["accepted"]);
  });
});
