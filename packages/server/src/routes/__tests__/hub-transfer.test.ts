import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { INITIAL_PROMPT_CHARACTERS_MAX, REPORT_TEXT_CHARACTERS_MAX, TAGS_MAX } from "@wharf/protocol";
import { SECRET_RULES } from "@wharf/redaction";
import { clearRows, createTestDatabase, type TestDatabase } from "@wharf/testkit";
import { openApp, setupApp } from "../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import type { Server } from "../../compose.ts";
import { EXPORTED_TABLES } from "../../db/export/exported-tables.ts";
import { migratePhases } from "../../db/phases.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { seedExamples } from "../../openapi/__tests__/seed-examples.ts";
import { storeFile } from "../../transcripts/__tests__/store-file.ts";
import { parseSession } from "../../transcripts/parse/parse-session.ts";

const server = setupApp();
let target: TestDatabase;
let other: Server;

beforeAll(async () => {
  target = await createTestDatabase({ migrate: migratePhases });
  other = await openApp(target.url);
});
afterEach(() => clearRows(target.sql));
afterAll(async () => {
  await other.drain();
  await target.drop();
});

const exported = async (cursor?: string): Promise<string> => {
  const query = cursor === undefined ? "" : `?${new URLSearchParams({ cursor })}`;
  const { status, body } = await server.request("GET", `/api/export${query}`);
  expect(status).toBe(200);
  return body;
};

type Answer = { status: number; body: { rows?: number; stored?: number; code?: string; detail?: string } };

async function importInto(app: Server["app"], body: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/x-ndjson" };
  const response = await app.request("/api/import", { method: "POST", headers, body });
  const answer: Answer["body"] = JSON.parse(await response.text());
  return { status: response.status, body: answer };
}

/** Rows without the numbers that each hub gives by itself. */
async function contentsOf({ sql }: { sql: TestDatabase["sql"] }): Promise<Record<string, unknown[]>> {
  const contents: Record<string, unknown[]> = {};
  const totals = [
    "parent_totals",
    "session_totals",
    "git_totals",
    "usage_slots",
    "blobs",
    "search_documents",
    "search_tokens",
  ];
  for (const name of [...EXPORTED_TABLES.map((table) => table.name), ...totals]) {
    const rows = await sql.unsafe<{ row: string }[]>(`
      SELECT (to_jsonb(t) - ARRAY['file_id', 'created_at', 'written_at'] - CASE WHEN ${NUMBERED.includes(name)} THEN 'id' ELSE '' END)::text AS row
      FROM ${name} t ${name === "prices" ? "WHERE NOT is_shipped" : ""} ORDER BY 1`);
    contents[name] = rows.map(({ row }) => row);
  }
  return contents;
}

const NUMBERED = ["session_reports", "transcript_files", "search_documents", "blobs"];

async function seed(): Promise<void> {
  await seedExamples(server);
  await storeFile(server.sql, createPostgresBlobStore(server.current().pools.edits), {
    ...{ session_id: "with-bytes", agent: "codex", parts: ["one\n", "two\n"] },
  });
  await server.sql`UPDATE events SET data = data || '{"large": 9007199254740993, "exact": 1.50}'`;
}

describe("an export", () => {
  test("is imported into an empty hub as the same rows, bytes and totals, and a second time changes nothing", async () => {
    await seed();
    const before = await contentsOf(server);
    const lines = await exported();
    expect(lines.trimEnd().split("\n").at(-1)).toBe('{"end":true}');
    const first = await importInto(other.app, lines);
    expect(first).toMatchObject({ status: 200 });
    expect(first.body.stored).toBe(first.body.rows);
    expect(await contentsOf(target)).toEqual(before);
    expect(before["events"]?.[0]).toContain('"large": 9007199254740993');
    for (const table of ["sessions", "transcript_segments", "model_responses", "parent_totals"])
      expect([table, before[table]?.length]).not.toEqual([table, 0]);
    const second = await importInto(other.app, lines);
    expect(second.body).toEqual({ ...first.body, stored: 0 });
    expect(await contentsOf(target)).toEqual(before);
  });

  test("is imported with the facts of transcripts, with any keys of agents", async () => {
    await seedExamples(server);
    const record = (type: string, content: unknown, fields: object) => {
      const message = { role: type, content };
      return `${JSON.stringify({ type, timestamp: "2026-01-01T00:00:00Z", message, ...fields })}\n`;
    };
    const call = { type: "tool_use", id: "call\u0001", name: "Bash\u0007", input: { command: "ls" } };
    const parts = [
      record("user", "Look", { uuid: "a\u0001\u0000b", cwd: "/home/ada/site", gitBranch: "main" }),
      record("assistant", [call], { uuid: "u".repeat(5_000), parentUuid: "p".repeat(5_000) }),
    ];
    const database = server.current().pools.deferrable;
    const blobs = createPostgresBlobStore(database);
    await storeFile(server.sql, blobs, { session_id: "strange", agent: "claude-code", parts });
    await parseSession({ database, blobs }, "strange");
    const before = await contentsOf(server);
    expect(before["transcript_facts"]?.length).toBeGreaterThan(0);
    expect(await importInto(other.app, await exported())).toMatchObject({ status: 200 });
    expect(await contentsOf(target)).toEqual(before);
  });

  test("continues behind each cursor", async () => {
    await seed();
    const lines = (await exported()).trimEnd().split("\n");
    const cursors = lines.flatMap((line, index) => (line.startsWith('{"cursor"') ? [index] : []));
    expect(cursors.length).toBeGreaterThan(10);
    for (const index of cursors) {
      const { cursor } = JSON.parse(lines[index] ?? "");
      const rest = (await exported(cursor)).trimEnd().split("\n");
      expect(rest).toEqual(lines.slice(index + 1));
    }
    expect((await server.request("GET", "/api/export?cursor=abc")).status).toBe(400);
  });
});

describe("an import", () => {
  const row = (table: string, fields: object, others: object = {}) =>
    `${JSON.stringify({ table, row: fields, ...others })}\n`;
  const workspace = (id: string) =>
    row("workspaces", { id, canonical_id: "github.com/a/b", display_name: "b", metadata: {} });
  const device = row("devices", { id: "d", name: "d", type: "local" });
  const session = (id: string, workspace_id: string, fields: object = {}) =>
    row(
      "sessions",
      { id, workspace_id, device_id: "d", started_at: "2026-01-01T00:00:00Z", ...fields },
      { workspace: "github.com/a/b" },
    );

  test("takes the workspace that this hub has under the canonical id", async () => {
    const { app } = server.current();
    await importInto(app, workspace("w-here"));
    await importInto(app, workspace("w-there") + device + session("s", "w-there"));
    const sessions = await server.sql`SELECT id, workspace_id FROM sessions`;
    expect([...sessions]).toEqual([{ id: "s", workspace_id: "w-here" }]);
  });

  test("does not bring back a session that was deleted here, nor delete one that is here", async () => {
    const { app } = server.current();
    await importInto(app, workspace("w") + device + session("gone", "w") + session("stays", "w"));
    expect((await server.request("DELETE", "/api/sessions/gone")).status).toBe(204);
    const summary = row("session_summaries", { session_id: "gone", source: "edited" });
    const tombstone = row("session_tombstones", { session_id: "stays" });
    const { status, body } = await importInto(app, session("gone", "w") + summary + tombstone);
    expect([status, body]).toEqual([200, { rows: 3, stored: 0 }]);
    expect(await server.sql`SELECT id FROM sessions`).toHaveLength(1);
  });

  test("refuses the rows of all tables of a session that is being deleted here, or was", async () => {
    await seed();
    const lines = (await exported()).split("\n");
    const { sql } = target;
    const names = EXPORTED_TABLES.map((table) => table.name).filter((name) => name !== "session_tombstones");
    const ofSessions = await sql<{ name: string }[]>`
      SELECT DISTINCT table_name AS name FROM information_schema.columns
      WHERE table_schema = 'public' AND column_name = 'session_id' AND table_name = ANY (${names})`;
    const tablesWithRows = async () => {
      const found: string[] = [];
      for (const { name } of ofSessions) {
        const rows = await sql`SELECT FROM ${sql(name)} WHERE session_id IS NOT NULL LIMIT 1`;
        if (rows.length > 0) found.push(name);
      }
      return found;
    };
    const parents = lines.filter((line) => /^\{"row":.*"table": ?"(workspaces|devices|sessions)"/.test(line));
    expect(parents.length).toBeGreaterThan(3);
    await importInto(other.app, parents.join("\n"));
    await sql`INSERT INTO session_tombstones (session_id) SELECT id FROM sessions`;
    await sql`UPDATE sessions SET deleted_at = now()`;
    expect((await importInto(other.app, lines.join("\n"))).status).toBe(200);
    expect(await tablesWithRows()).toEqual([]);
    await sql`DELETE FROM sessions`;
    expect((await importInto(other.app, lines.join("\n"))).status).toBe(200);
    expect(await tablesWithRows()).toEqual([]);
    expect(await sql`SELECT FROM sessions`).toHaveLength(0);
    await sql`DELETE FROM session_tombstones`;
    expect((await importInto(other.app, lines.join("\n"))).status).toBe(200);
    expect((await tablesWithRows()).length).toBeGreaterThan(10);
  });

  test("names a line that is not one of an export, and keeps those before it", async () => {
    const { app } = server.current();
    const wrong = [
      "{",
      '{"table":"api_keys","row":{"id":"k"}}',
      '{"table":"devices"}',
      "[]",
      '{"table":"devices","row":{"x":1}}',
    ];
    for (const line of wrong) {
      const { status, body } = await importInto(app, `${device.repeat(1)}\n${workspace("w")}${line}\n`);
      expect([line, status, body.code]).toEqual([line, 400, "IMPORT_INVALID"]);
    }
    expect((await importInto(app, row("devices", { id: "x", name: "x", type: "toaster" }))).status).toBe(400);
    expect(await server.sql`SELECT id FROM devices`).toHaveLength(1);
  });

  const long = "x".repeat(2_000);
  const tags = (count: number) => Array.from({ length: count }, (_, n) => `tag-${n}`);
  const event = (fields: object) =>
    row(
      "events",
      {
        ...{ id: "e", workspace_id: "w", device_id: "d", session_id: null, type: "custom.event" },
        ...{
          timestamp: "2026-01-01T00:00:00Z",
          ingested_at: "2026-01-01T00:00:00Z",
          data: {},
          blob_refs: [],
        },
        ...fields,
      },
      { workspace: "github.com/a/b" },
    );
  const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  const refused: [string, string][] = [
    ["an id that is too long", row("devices", { id: long, name: "d", type: "local" })],
    ["an id with a control character", row("devices", { id: "a\u0001b", name: "d", type: "local" })],
    ["an empty id", event({ id: "" })],
    ["a session's id that is too long", event({ session_id: long })],
    ["a time before 2000", event({ timestamp: "1066-01-01T00:00:00Z" })],
    ["a time after 2100", event({ timestamp: "9999-01-01T00:00:00Z" })],
    ["no time but a word for one", event({ timestamp: "infinity" })],
    ["a time in a column that no one sends", event({ ingested_at: "-infinity" })],
    ["an event that is too large", event({ data: { text: "x".repeat(1_100_000) } })],
    ["an event that is nested too deep", event({ data: { a: deep(70) } })],
    ["an event of too many values", event({ data: { a: Array.from({ length: 60_000 }, () => 1) } })],
    ["an event without an object", event({ data: [] })],
    ["an event of no type", event({ type: "../x" })],
    [
      "a row that is nested too deep",
      row("sessions", { id: "s", workspace_id: "w", device_id: "d", metadata: { a: deep(2_000) } }),
    ],
    ["a session that began in no year", row("sessions", { id: "s", started_at: "0001-01-01T00:00:00Z" })],
    ["a workspace's name that is too long", row("workspaces", { id: "v", canonical_id: "x".repeat(3_000) })],
    [
      "a path that leaves the session's folder",
      row("transcript_files", { session_id: "s", agent: "codex", device_id: "d", file: "../../etc/passwd" }),
    ],
    ["a key that is too long", row("tool_calls", { session_id: "s", call_id: long })],
    ["a number of tokens that is too large", row("model_responses", { response_key: "k", input: 1e18 })],
    ["a title that is too long", session("s", "w", { title: "x".repeat(10_000_000) })],
    ["a prompt that is too long", session("s", "w", { initial_prompt: "x".repeat(70_000) })],
    ["a summary that is too long", session("s", "w", { summary: "x".repeat(100_001) })],
    ["too many tags", session("s", "w", { tags: tags(TAGS_MAX + 1) })],
    ["metadata that is too large", session("s", "w", { metadata: { a: "x".repeat(1_100_000) } })],
    ["a cost that is too large", session("s", "w", { cost_estimate_usd: 1e300 })],
    ["a cost that is a text", session("s", "w", { cost_estimate_usd: "1e300" })],
    [
      "a report's text that is too long",
      row("session_reports", { session_id: "s", model: "x".repeat(5_000) }),
    ],
    ["a retention beyond a century", row("workspace_retention", { workspace_id: "w", raw_days: 40_000 })],
  ];
  for (const [what, line] of refused)
    test(`refuses ${what}, as ingest does`, async () => {
      const { app } = server.current();
      const { status, body } = await importInto(app, workspace("w") + device + event({}) + line);
      expect([status, body.code]).toEqual([400, "IMPORT_INVALID"]);
      const rows = await server.sql`
        SELECT (SELECT count(*)::int FROM events) AS events, (SELECT count(*)::int FROM devices) AS devices`;
      expect(rows[0]).toEqual({ events: 1, devices: 1 });
    });

  test("names the line and the column of a value that is refused", async () => {
    const { app } = server.current();
    const { body } = await importInto(app, workspace("w") + device + session("s", "w", { title: long }));
    expect(body.detail).toBe(
      "Line 3 must have at most 301 characters in title. The lines before it are stored.",
    );
  });

  test("takes texts of the largest size, whose secrets the hub has replaced by longer markers", async () => {
    const marker = "[REDACTED:github-token:0123abcd]";
    const fields = {
      ...{ title: "😀".repeat(301), initial_prompt: "x".repeat(INITIAL_PROMPT_CHARACTERS_MAX) + marker },
      ...{ git_branch: "😀".repeat(REPORT_TEXT_CHARACTERS_MAX), tags: tags(TAGS_MAX), model: null },
    };
    const { status, body } = await importInto(
      server.current().app,
      workspace("w") + device + session("s", "w", fields),
    );
    expect([status, body]).toEqual([200, { rows: 3, stored: 3 }]);
  });

  test("takes events of the largest size, also with secrets that longer markers have replaced", async () => {
    const marker = "password=[REDACTED:assigned-secret:0123abcd] ";
    const text = (length: number) => ({ text: "x".repeat(length - '{"text":""}'.length) });
    const largest = DEFAULT_LIMITS.event_bytes;
    const lines = [
      event({ id: "largest", data: text(largest) }),
      event({ id: "redacted", data: { text: marker.repeat(Math.ceil(largest / marker.length)) } }),
    ];
    const { app } = server.current();
    const sent = workspace("w") + device + session("s", "w") + lines.join("");
    expect((await importInto(app, sent)).body).toEqual({ rows: 5, stored: 5 });
    expect((await importInto(app, event({ id: "more", data: text(largest + 1) }))).status).toBe(400);
  });

  test("leaves out bytes that are not what their row names", async () => {
    await seed();
    const lines = (await exported())
      .split("\n")
      .map((line) => line.replace(/"bytes":"[^"]+"/, '"bytes":"AAAA"'));
    await server.sql`DELETE FROM transcript_segments`;
    const { body } = await importInto(server.current().app, lines.join("\n"));
    expect(body.stored).toBe(0);
  });

  describe("of secrets and crafted bytes", () => {
    const secret = SECRET_RULES.find(({ id }) => id === "github-token")?.example_parts.join("") ?? "";
    const prompt = (uuid: string, text: string) =>
      `${JSON.stringify({ type: "user", uuid, sessionId: "s", timestamp: "2026-01-01T00:00:00Z", message: { role: "user", content: text } })}\n`;
    const file = ["s", "claude-code", "d", "main.jsonl"];
    const parts = [prompt("a", `tangerine ${secret}`), prompt("b", "plain"), prompt("c", `and ${secret}`)];
    const whole = parts.join("");

    /** An export of a hub without redaction. */
    function crafted(segments: readonly object[], size = whole.length): string {
      const generation = {
        ...{ file_id: 7, generation: 1, session_id: "s", source_bytes: size, stored_bytes: size, lines: 3 },
        ...{
          is_torn: false,
          redactions: {},
          redaction_version: 99,
          parsed_bytes: size,
          parsed_lines: 3,
          counts: {},
        },
      };
      const now = "2026-01-01T00:00:00Z";
      const kept = {
        id: 7,
        generation: 1,
        kind: "main",
        created_at: now,
        last_received_at: now,
        reading: 0,
        has_stale_rows: false,
      };
      return [
        workspace("w"),
        device,
        session("s", "w"),
        event({ id: "e1", session_id: "s", data: { text: `use ${secret}`, n: 1 } }),
        row(
          "transcript_files",
          { ...kept, session_id: "s", agent: "claude-code", device_id: "d", file: "main.jsonl" },
          { file },
        ),
        row("transcript_generations", generation, { file }),
        ...segments.map((segment) => JSON.stringify(segment)),
      ].join("\n");
    }

    async function segment(
      bytes: string | Uint8Array,
      start: number,
      fields: object = {},
      frame?: Uint8Array,
    ) {
      const content = Buffer.from(bytes);
      const zstd = frame ?? (await Bun.zstdCompress(content));
      const blob_hash = new Bun.CryptoHasher("sha256").update(zstd).digest("hex");
      const place = { source_start: start, source_end: start + content.length, stored_start: start };
      const named = {
        file_id: 7,
        generation: 1,
        session_id: "s",
        stored_bytes: content.length,
        lines: 1,
        blob_hash,
      };
      const times = { created_at: "2026-01-01T00:00:00Z" };
      const bytes64 = Buffer.from(zstd).toString("base64");
      return {
        table: "transcript_segments",
        row: { ...named, ...place, ...times, ...fields },
        file,
        bytes: bytes64,
      };
    }

    async function segmentsOf(texts: readonly string[]) {
      let start = 0;
      const found: object[] = [];
      for (const text of texts) {
        found.push(await segment(text, start));
        start += Buffer.byteLength(text);
      }
      return found;
    }

    const raw = async () =>
      (await server.request("GET", "/api/sessions/s/transcript/raw?file=main.jsonl")).body;
    const places = () => server.sql`
      SELECT stored_start::int, stored_bytes::int, source_start::int FROM transcript_segments ORDER BY stored_start`;

    test("keeps no secret of rows and of bytes, whose places stay without gaps, in any order of parts", async () => {
      const { app, pools } = server.current();
      const all = await segmentsOf(parts);
      const [first, second, third] = all;
      await importInto(app, crafted([third ?? {}]));
      expect((await importInto(app, crafted([first ?? {}]))).body).toMatchObject({ stored: 1 });
      expect((await importInto(app, crafted([second ?? {}]))).body).toMatchObject({ stored: 1 });
      expect((await importInto(app, crafted(all))).body).toMatchObject({ stored: 0 });
      const text = await raw();
      expect(text).toMatch(
        /^\{[^\n]+tangerine \[REDACTED:github-token:.{8}\][^\n]+\n[^\n]+plain[^\n]+\n[^\n]+and \[REDACTED:[^\n]+\n$/,
      );
      let start = 0;
      for (const { stored_start, stored_bytes } of await places()) {
        expect(stored_start).toBe(start);
        start += stored_bytes;
      }
      expect(start).toBe(Buffer.byteLength(text));
      const [held] = await server.sql`
        SELECT stored_bytes::int, source_bytes::int, parsed_bytes::int FROM transcript_generations`;
      expect(held).toEqual({ stored_bytes: start, source_bytes: whole.length, parsed_bytes: 0 });
      const [stored] = await server.sql`SELECT data FROM events WHERE id = 'e1'`;
      expect(stored?.["data"]).toEqual({
        text: expect.stringMatching(/^use \[REDACTED:github-token:/),
        n: 1,
      });
      await parseSession(
        { database: pools.deferrable, blobs: createPostgresBlobStore(pools.deferrable) },
        "s",
      );
      const found = await server.request("GET", "/api/search?q=tangerine");
      expect(found.body.results).toHaveLength(1);
      const frames = await server.sql`SELECT count(*)::int AS blobs FROM blobs`;
      expect(frames[0]).toEqual({ blobs: 3 });
    });

    test("keeps them where the redaction of the workspace is off", async () => {
      const { app } = server.current();
      await importInto(app, workspace("w"));
      const path = `/api/workspaces/${encodeURIComponent("github.com/a/b")}/redaction`;
      expect((await server.request("PUT", path, { redaction: "off" })).status).toBe(200);
      await importInto(app, crafted(await segmentsOf(parts)));
      expect(await raw()).toBe(whole);
      const [stored] = await server.sql`SELECT data FROM events WHERE id = 'e1'`;
      expect(stored?.["data"]).toEqual({ text: `use ${secret}`, n: 1 });
    });

    test("keeps no secret in any table, finds the words around it, and takes no index from outside", async () => {
      const { pools } = server.current();
      const blobs = createPostgresBlobStore(pools.edits);
      const stored = {
        session_id: "s",
        agent: "claude-code",
        parts: [prompt("a", "marmalade password1")],
      } as const;
      await storeFile(server.sql, blobs, stored);
      await parseSession({ database: pools.deferrable, blobs }, "s");
      const forged = row("search_documents", { id: 1, session_id: "s", tsv: "'forged':1" });
      const lines = (await exported()).replaceAll("password1", secret) + forged;
      expect(lines.split(secret).length).toBeGreaterThan(3);
      expect((await importInto(other.app, lines)).status).toBe(200);
      for (const { name } of EXPORTED_TABLES)
        expect(
          await target.sql`SELECT FROM ${target.sql(name)} t WHERE strpos(t::text, ${secret}) > 0`,
        ).toHaveLength(0);
      const find = async (q: string) => {
        const headers = { authorization: `Bearer ${server.key}` };
        const response = await other.app.request(`/api/search?q=${q}`, { headers });
        return JSON.parse(await response.text()).results.length;
      };
      expect([await find("marmalade"), await find("forged"), await find(secret)]).toEqual([1, 0, 0]);
    });

    test("leaves out bytes that expand beyond their size, are cut, overlap, or are of no file", async () => {
      const { app } = server.current();
      const bomb = await Bun.zstdCompress(new Uint8Array(300_000_000));
      const frame = await Bun.zstdCompress(Buffer.from(whole));
      const lines = [
        await segment(whole, 0, {}, bomb),
        await segment(whole, 0, { stored_bytes: 300_000_000 }, bomb),
        await segment(whole, 0, {}, frame.subarray(0, -3)),
        await segment(whole, 0, {}, Buffer.from("no frame")),
        await segment(whole, 0, { stored_bytes: 0 }),
        await segment(whole, 0, { source_end: 0 }),
        await segment(whole, 0, { blob_hash: "../x" }),
        { ...(await segment(whole, 0)), file: ["s", "codex", "d", "other"] },
        { ...(await segment(whole, 0)), bytes: undefined },
      ];
      const { status } = await importInto(app, crafted(lines));
      expect(status).toBe(200);
      expect(await places()).toHaveLength(0);
      expect(await server.sql`SELECT FROM blobs`).toHaveLength(0);
      await importInto(app, crafted([await segment(parts[0] ?? "", 0), await segment(parts[1] ?? "", 5)]));
      expect((await places()).map((place) => place["source_start"])).toEqual([0]);
    });
  });

  test("asks for an admin key", async () => {
    const { body } = await server.request("POST", "/api/keys", { scope: "read" });
    const headers = { authorization: `Bearer ${body.key}` };
    expect((await server.request("GET", "/api/export", undefined, headers)).status).toBe(403);
    expect((await server.request("POST", "/api/import", "{}", headers)).status).toBe(403);
  });
});
