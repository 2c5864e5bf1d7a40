import { describe, expect, test } from "bun:test";
import { RULES_VERSION, SECRET_RULES } from "@wharf/redaction";
import { until } from "@wharf/testkit";
import { openApp, setupApp } from "../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { anEvent, send, start, toolUse } from "../../ingest/__tests__/event-factory.ts";
import { storeFile } from "../../transcripts/__tests__/store-file.ts";
import { parseSession } from "../../transcripts/parse/parse-session.ts";
import { HELD_BEGIN, type HeldPosition, redactHeld } from "../redact-held.ts";
import { nothingReplaced } from "../redact-rows.ts";
import { redactTranscripts } from "../redact-transcripts.ts";
import type { PartKind } from "../redaction-pool.ts";

const server = setupApp({ environment: { WHARF_WORKER_MODE: "inspect" } });
const SECRET = SECRET_RULES.find(({ id }) => id === "github-token")?.example_parts.join("") ?? "";
const WORKSPACE = "github.com/acme/widgets";

/** As an earlier version has stored it: the secret takes the place of a word. */
async function exposeSecret(): Promise<void> {
  const { sql } = server;
  const expose = (column: string) =>
    sql`${sql(column)} = replace(${sql(column)}::text, 'password1', ${SECRET})`;
  const exposeJson = (column: string) =>
    sql`${sql(column)} = replace(${sql(column)}::text, 'password1', ${SECRET})::jsonb`;
  await sql`UPDATE events SET ${exposeJson("data")}`;
  await sql`UPDATE session_reports SET ${expose("initial_prompt")}`;
  await sql`UPDATE sessions SET ${expose("initial_prompt")}, ${expose("summary")}, ${exposeJson("metadata")}, tags = ARRAY[${SECRET}]`;
  await sql`UPDATE ingest_notes SET ${expose("body")}, ${expose("detail")}`;
  await sql`UPDATE git_activity SET ${expose("message")}, ${exposeJson("data")}`;
}

async function seed(): Promise<void> {
  const commit = {
    hash: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
    message: "Use password1",
    author_name: "Ada",
  };
  await send(server, [
    start("one", 0, { initial_prompt: "log in with password1" }),
    toolUse("one", 1, { data: { text: "password1", n: 1.5 } }),
    start("two", 0, { initial_prompt: "and password1" }, { workspace_id: "github.com/acme/kept" }),
    anEvent({
      type: "git.commit",
      data: { ...commit, branch: "main", files_changed: 1, insertions: 1, deletions: 0 },
    }),
    { ...anEvent({ data: { text: "password1" } }), timestamp: "password1" },
  ]);
  await server.request("POST", "/api/sessions", {
    id: "one",
    workspace_canonical_id: WORKSPACE,
    device_id: "laptop",
    started_at: "2026-03-01T10:00:00Z",
    initial_prompt: "log in with password1",
    metadata: { note: "password1" },
  });
  await server.request("PATCH", "/api/sessions/one", { summary: "Logs in with password1" });
  await server.projected();
  await exposeSecret();
}

/** The names of the tables in which the secret stands. */
async function exposed(): Promise<string[]> {
  const tables = await server.sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`;
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await server.sql`SELECT FROM ${server.sql(name)} t WHERE strpos(t::text, ${SECRET}) > 0`;
    if (rows.length > 0) found.push(name);
  }
  return found;
}

const blobs = () => createPostgresBlobStore(server.current().pools.deferrable);
const EXPOSED = ["events", "git_activity", "ingest_notes", "session_reports", "sessions"];
const redact = (body: object) => server.request("POST", "/api/sessions/redact", body);

async function runJob(body: object): Promise<unknown> {
  const { body: answer, status } = await redact(body);
  expect(status).toBe(202);
  expect(await server.current().jobs.runOne(answer.job_id)).toMatchObject({ status: "completed" });
  const { body: shown } = await server.request("GET", `/api/jobs/${answer.job_id}`);
  return shown.job.output;
}

describe("what is held without redaction", () => {
  test("is redacted by the job, with rows that have no session", async () => {
    await seed();
    expect(await exposed()).toEqual(EXPOSED);
    const output = await runJob({});
    expect(output).toMatchObject({ dry_run: false, sessions: 2, too_slow: 0 });
    expect(await exposed()).toEqual([]);
    const { body } = await server.request("GET", "/api/sessions/one");
    expect(body.session).toMatchObject({
      initial_prompt: expect.stringMatching(/^log in with \[REDACTED:github-token:/),
      summary: expect.stringMatching(/^Logs in with \[REDACTED:/),
      tags: [expect.stringMatching(/^\[REDACTED:/)],
    });
    const [event] = await server.sql<{ n: string }[]>`SELECT data->>'n' AS n FROM events WHERE data ? 'n'`;
    expect(event?.n).toBe("1.5");
    expect(await runJob({})).toMatchObject({ rows: 0, secrets: {} });
  });

  test("is counted and kept by a dry run", async () => {
    await seed();
    const output = await runJob({ dry_run: true });
    expect(output).toMatchObject({
      dry_run: true,
      sessions: 2,
      secrets: { "github-token": expect.any(Number) },
    });
    expect(await exposed()).toEqual(EXPOSED);
  });

  test("is redacted of the sessions that match", async () => {
    await seed();
    expect(await runJob({ ids: ["two"], device_id: "laptop" })).toMatchObject({ sessions: 1 });
    const rows = await server.sql`SELECT id FROM sessions WHERE strpos(initial_prompt, ${SECRET}) > 0`;
    expect(rows.map((row) => row["id"])).toEqual(["one"]);
    expect(await runJob({ agent: "codex" })).toMatchObject({ sessions: 0 });
    expect((await redact({ workspace: "x" })).status).toBe(400);
  });

  test("stays in a workspace whose redaction is off", async () => {
    await seed();
    const path = `/api/workspaces/${encodeURIComponent("github.com/acme/kept")}/redaction`;
    expect((await server.request("PUT", path, { redaction: "off" })).status).toBe(200);
    await runJob({});
    const rows = await server.sql`SELECT session_id FROM events WHERE strpos(data::text, ${SECRET}) > 0`;
    expect(rows.map((row) => row["session_id"])).toEqual(["two"]);
  });

  for (const limits of [{}, { sortedRowsMax: 0 }])
    test(`is done in parts that continue where the one before ended: ${JSON.stringify(limits)}`, async () => {
      await seed();
      const { redaction, pools } = server.current();
      const redactText = await redaction.texts.open();
      let position: HeldPosition = HELD_BEGIN;
      const sessionsOfParts: number[] = [];
      while (position !== null) {
        const signal = new AbortController().signal;
        const held = { database: pools.deferrable, blobs: blobs(), pool: redaction.pool, redact: redactText };
        const options = { ...held, ...limits, isDryRun: false, filter: {}, signal, leftOutWorkspaces: [] };
        const part = await redactHeld({ ...options, onRewritten: async () => undefined }, position, 0);
        position = part.position;
        sessionsOfParts.push(part.sessions);
      }
      expect(sessionsOfParts.length).toBeGreaterThan(5);
      expect(sessionsOfParts.slice(0, 3)).toEqual([1, 1, 0]);
      expect(await exposed()).toEqual([]);
    });

  test("is searched by a job after a start with newer rules, once", async () => {
    await seed();
    const jobs = () => server.sql`SELECT id FROM jobs WHERE type = 'redact-held'`;
    await server.current().redactOutdated();
    await server.current().redactOutdated();
    expect(await jobs()).toHaveLength(1);
    const [job] = await jobs();
    await server.current().jobs.runOne(String(job?.["id"]));
    expect(await exposed()).toEqual([]);
    const [setting] = await server.sql`SELECT value FROM hub_settings WHERE name = 'redacted_rules_version'`;
    expect(setting?.["value"]).toBe(String(RULES_VERSION));
    await server.current().redactOutdated();
    expect(await jobs()).toHaveLength(0);
  });

  test("is nothing on a new server, which enqueues no job", async () => {
    await server.current().redactOutdated();
    expect(await server.sql`SELECT FROM jobs WHERE type = 'redact-held'`).toHaveLength(0);
  });
});

describe("transcript files of before", () => {
  const line = (uuid: string, text: string) =>
    `${JSON.stringify({ type: "user", uuid, timestamp: "2026-03-01T10:00:00Z", message: { role: "user", content: text } })}\n`;
  const parts = [
    line("a", "plain"),
    line("b", `use ${SECRET} now`) + line("c", "more"),
    line("d", `and ${SECRET}`),
  ];
  const raw = async () =>
    (await server.request("GET", "/api/sessions/s1/transcript/raw?file=main.jsonl")).body;
  const parse = async () => {
    const { pools } = server.current();
    await parseSession({ database: pools.deferrable, blobs: blobs() }, "s1");
  };
  const segments = () =>
    server.sql<{ stored_start: number; stored_bytes: number; blob_hash: string }[]>`
      SELECT stored_start::float8, stored_bytes::float8, blob_hash FROM transcript_segments ORDER BY stored_start`;

  test("get markers, are parsed again, and their former blobs are removed later", async () => {
    await storeFile(server.sql, blobs(), { session_id: "s1", agent: "claude-code", parts });
    await parse();
    const before = await segments();
    expect(await exposed()).toContain("content_blocks");
    const output = await runJob({ ids: ["s1"] });
    expect(output).toMatchObject({ sessions: 1, too_slow: 0 });
    const text = await raw();
    expect(text).not.toContain(SECRET);
    expect(text.split("\n")).toHaveLength(5);
    const after = await segments();
    expect(after.map(({ stored_start }) => stored_start)).toEqual([
      0,
      after[0]?.stored_bytes ?? 0,
      (after[0]?.stored_bytes ?? 0) + (after[1]?.stored_bytes ?? 0),
    ]);
    expect(after[0]?.blob_hash).toBe(before[0]?.blob_hash ?? "");
    const listed = await server.sql`SELECT hash FROM unreferenced_blobs`;
    expect(listed.map((row) => row["hash"])).toEqual(
      expect.arrayContaining([before[1]?.blob_hash, before[2]?.blob_hash]),
    );
    expect(await exposed()).toEqual([]);
    const [generation] = await server.sql`
      SELECT redaction_version, redactions, parsed_bytes::int, stored_bytes = ${text.length} AS is_whole FROM transcript_generations`;
    expect(generation).toEqual({
      redaction_version: RULES_VERSION,
      redactions: { hub: { "github-token": 2 } },
      parsed_bytes: 0,
      is_whole: true,
    });
    await parse();
    const blocks = await server.sql`SELECT content_text FROM content_blocks ORDER BY 1`;
    expect(blocks).toHaveLength(4);
    expect(await exposed()).toEqual([]);
  });

  test("are found by the words around a secret, and not by the secret, when only their rows were outdated", async () => {
    await storeFile(server.sql, blobs(), {
      session_id: "s1",
      agent: "claude-code",
      parts: [line("a", `tangerine ${SECRET} marmalade`), line("b", "plain words")],
    });
    await parse();
    // Its rows are all that is left to be redacted.
    await server.sql`UPDATE transcript_generations SET redaction_version = ${RULES_VERSION}`;
    const find = async (q: string) => (await server.request("GET", `/api/search?q=${q}`)).body.results.length;
    expect([await find("tangerine"), await find(SECRET)]).toEqual([1, 1]);
    expect(await runJob({ ids: ["s1"] })).toMatchObject({ sessions: 1, too_slow: 0 });
    expect(await exposed()).toEqual([]);
    expect([await find("tangerine"), await find("marmalade"), await find("plain")]).toEqual([1, 1, 1]);
    expect(await find(SECRET)).toBe(0);
    const blocks = await server.sql`SELECT content_text FROM content_blocks`;
    expect(blocks.filter((row) => row["content_text"].includes("[REDACTED:"))).toHaveLength(1);
  });

  test("that current rules have searched are left alone, and so are those of a dry run", async () => {
    await storeFile(server.sql, blobs(), { session_id: "s1", agent: "claude-code", parts });
    const before = await segments();
    expect(await runJob({ dry_run: true })).toMatchObject({ secrets: { "github-token": 2 } });
    await server.sql`UPDATE transcript_generations SET redaction_version = ${RULES_VERSION}`;
    await runJob({});
    expect([...(await segments())]).toEqual([...before]);
  });

  test("that grow meanwhile get markers in what is added, too", async () => {
    const place = await storeFile(server.sql, blobs(), { session_id: "s1", agent: "claude-code", parts });
    const { redaction, pools } = server.current();
    let isGrown = false;
    const pool = {
      ...redaction.pool,
      redactPart: async (bytes: Uint8Array, kind: PartKind) => {
        if (!isGrown) {
          isGrown = true;
          const added = [line("e", `late ${SECRET}`)];
          await storeFile(server.sql, blobs(), { session_id: "s1", agent: "claude-code", parts: added });
        }
        return await redaction.pool.redactPart(bytes, kind);
      },
    };
    const held = { database: pools.deferrable, blobs: blobs(), pool, redact: await redaction.texts.open() };
    const options = { ...held, isDryRun: false, signal: new AbortController().signal };
    const rewritten: string[] = [];
    const onRewritten = async (id: string) => rewritten.push(id);
    await redactTranscripts({ ...options, onRewritten }, "s1", nothingReplaced());
    expect(rewritten).toEqual(["s1"]);
    expect(await raw()).not.toContain(SECRET);
    const [size] = await server.sql`
      SELECT stored_bytes = (SELECT sum(stored_bytes) FROM transcript_segments) AS is_whole FROM transcript_generations
      WHERE file_id = ${place.file_id}::bigint`;
    expect(size).toEqual({ is_whole: true });
  });
});

describe("the switch of a workspace", () => {
  const path = `/api/workspaces/${encodeURIComponent(WORKSPACE)}/redaction`;
  const put = (redaction: string, query = "") => server.request("PUT", path + query, { redaction });

  test("is on, and each change of it is listed with who made it", async () => {
    await send(server, [anEvent()]);
    expect((await server.request("GET", path)).body).toEqual({
      redaction: "on",
      rules_version: RULES_VERSION,
      changes: [],
    });
    await put("off");
    const { body } = await put("on");
    expect(body.redaction).toBe("on");
    expect(
      body.changes.map((change: { redaction: string; actor: string }) => [change.redaction, change.actor]),
    ).toEqual([
      ["on", "environment"],
      ["off", "environment"],
    ]);
  });

  test("applies at once here, and on another server within seconds", async () => {
    let now = 0;
    const other = await openApp(server.url, { time: { monotonicMs: () => now } });
    const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
    const sendToOther = () =>
      other.app.request("/api/events", {
        method: "POST",
        headers,
        body: JSON.stringify({ events: [anEvent({ data: { text: SECRET } })] }),
      });
    try {
      expect((await sendToOther()).status).toBe(202);
      await put("off");
      await send(server, [anEvent({ data: { text: SECRET } })]);
      now += 5_001;
      expect((await sendToOther()).status).toBe(202);
      await until(() => other.ingest.depth().items === 0);
    } finally {
      await other.drain();
    }
    const rows = await server.sql<{ is_kept: boolean }[]>`
      SELECT data->>'text' = ${SECRET} AS is_kept FROM events ORDER BY ingested_at`;
    expect(rows.map((row) => row.is_kept)).toEqual([false, true, true]);
  });

  test("counts on a dry run what a new search would replace, and changes nothing", async () => {
    await seed();
    const { body } = await put("off", "?dry_run=1");
    expect(body).toMatchObject({
      redaction: "on",
      dry_run: {
        sessions: 1,
        rows: expect.any(Number),
        secrets: { "github-token": expect.any(Number) },
        is_complete: true,
      },
    });
    expect(await exposed()).toEqual(EXPOSED);
  });

  test("is for admins, and of a workspace that exists", async () => {
    await send(server, [anEvent()]);
    for (const scope of ["read", "ingest"]) {
      const { body } = await server.request("POST", "/api/keys", { scope });
      const authorization = { authorization: `Bearer ${body.key}` };
      expect((await server.request("PUT", path, { redaction: "off" }, authorization)).status).toBe(403);
      expect((await server.request("GET", path, undefined, authorization)).status).toBe(403);
    }
    expect((await server.request("GET", "/api/workspaces/nope/redaction")).status).toBe(404);
    expect((await put("maybe")).status).toBe(400);
  });
});
