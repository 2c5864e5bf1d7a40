import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { type Database, openDatabase } from "../../db/database.ts";
import { noteParsing } from "../../db/transcripts/parse-status.ts";
import { addCall, addMessages, text } from "../../transcripts/__tests__/add-messages.ts";
import { storeFile } from "../../transcripts/__tests__/store-file.ts";
import { summarizeSessions } from "../summarize-sessions.ts";

const server = setupApp();
let pool: Database;

beforeAll(() => {
  pool = openDatabase(server.url, { deadlineMs: 10_000, max: 2 });
});
afterAll(() => pool.close());

const signal = new AbortController().signal;
const summarize = () => summarizeSessions({ database: pool, askModel: null }, signal);

async function addEnded(): Promise<void> {
  const { sql } = server;
  const file_id = await addMessages(sql, {
    session_id: "s-1",
    messages: [
      { id: "m1", kind: "prompt", blocks: [text("Greet the\n  visitor")] },
      { id: "m2", kind: "assistant", blocks: [text("Done.")] },
      { id: "m3", kind: "prompt", blocks: [text("x".repeat(500))] },
      { id: "m4", kind: "prompt", is_copy: true, blocks: [text("of another session")] },
    ],
  });
  const called = { session_id: "s-1", tool: "Bash", message_id: "m2" };
  await addCall(sql, file_id, {
    ...{ ...called, call_id: "c1", command: "bun test", exit_code: 1, called_at: "2025-03-14T10:00:01Z" },
    touches: [{ path: "src/greet.ts", writes: 2, added: 12, removed: 3 }],
  });
  await addCall(sql, file_id, {
    ...{ ...called, call_id: "c2", command: "git commit -m Greet", called_at: "2025-03-14T10:00:02Z" },
    touches: [{ path: "README.md", reads: 1, writes: 0 }],
  });
  await sql`
    INSERT INTO git_activity (id, workspace_id, device_id, session_id, type, commit_sha, message, timestamp)
    VALUES ('g1', 'w', 'laptop', 's-1', 'commit', ${"a1b2c3d".padEnd(40, "0")}, ${"Greet\n\nThe visitor."}, now())`;
  await sql`UPDATE sessions SET lifecycle = 'ended', ended_at = now(), parse_status = 'completed'`;
  await beQuiet();
}

async function beQuiet(): Promise<void> {
  await server.sql`UPDATE sessions SET last_heard_at = now() - interval '11 minutes'`;
  await server.sql`UPDATE transcript_files SET last_received_at = now() - interval '11 minutes'`;
}

async function session(id = "s-1") {
  const [row] = await server.sql`SELECT lifecycle, summary FROM sessions WHERE id = ${id}`;
  return row;
}

const PLAIN = `Prompts:
- Greet the visitor
- ${"x".repeat(199)}…

Files changed:
- src/greet.ts (+12 -3)

Commands:
- bun test (exit code 1)
- git commit -m Greet

Commits:
- a1b2c3d Greet`;

describe("a session that ended", () => {
  test("is summarized as a list when it was quiet for ten minutes", async () => {
    await addEnded();
    expect(await summarize()).toBe(1);
    expect(await session()).toEqual({ lifecycle: "summarized", summary: PLAIN });
    expect(await summarize()).toBe(0);
  });

  test("waits while events or files arrive, or something is not parsed", async () => {
    const { sql } = server;
    const obstacles = [
      () => sql`UPDATE sessions SET last_heard_at = now() - interval '9 minutes'`,
      () => sql`UPDATE transcript_files SET last_received_at = now() - interval '9 minutes'`,
      () => sql`INSERT INTO transcript_generations (file_id, generation, session_id, stored_bytes)
        SELECT id, 1, session_id, 1 FROM transcript_files`,
      () => sql`UPDATE transcript_generations SET parsed_bytes = 1`,
      () => sql`INSERT INTO derivations_due (session_id) VALUES ('s-1')`,
    ];
    await addEnded();
    for (const [index, obstacle] of obstacles.entries()) {
      await obstacle();
      if (index === 3) continue;
      await summarize();
      expect([index, (await session())?.["lifecycle"]]).toEqual([index, "ended"]);
      await beQuiet();
    }
    await sql`DELETE FROM derivations_due`;
    await summarize();
    expect((await session())?.["lifecycle"]).toBe("summarized");
  });

  test("without a transcript is summarized by its first prompt, or not at all", async () => {
    await addEnded();
    const { sql } = server;
    await sql`
      INSERT INTO sessions (id, workspace_id, device_id, started_at, ended_at, lifecycle, initial_prompt, last_heard_at)
      VALUES ('asked', 'w', 'laptop', now(), now(), 'ended', 'Fix it', now() - interval '1 hour'),
        ('silent', 'w', 'laptop', now(), now(), 'ended', NULL, now() - interval '1 hour'),
        ('open', 'w', 'laptop', now(), NULL, 'capturing', 'Try it', now() - interval '1 hour')`;
    await summarize();
    expect(await session("asked")).toEqual({ lifecycle: "summarized", summary: "Prompts:\n- Fix it" });
    expect(await session("silent")).toEqual({ lifecycle: "summarized", summary: null });
    expect(await session("open")).toEqual({ lifecycle: "capturing", summary: null });
  });

  test("keeps the summary that a person wrote, until that is removed", async () => {
    await addEnded();
    await summarize();
    await server.request("PATCH", "/api/sessions/s-1", { summary: "Greets." });
    await server.sql`UPDATE sessions SET lifecycle = 'ended'`;
    await summarize();
    expect(await session()).toEqual({ lifecycle: "summarized", summary: "Greets." });
    await server.request("PATCH", "/api/sessions/s-1", { summary: null });
    await server.sql`UPDATE sessions SET lifecycle = 'ended'`;
    await summarize();
    expect(await session()).toEqual({ lifecycle: "summarized", summary: PLAIN });
  });

  test("keeps a summary of an earlier version, which no row describes", async () => {
    await addEnded();
    await server.sql`UPDATE sessions SET summary = 'By hand.'`;
    await summarize();
    expect(await session()).toEqual({ lifecycle: "summarized", summary: "By hand." });
  });

  test("is summarized again after more of it was parsed", async () => {
    await addEnded();
    await summarize();
    await pool.run((sql) => noteParsing(sql, "s-1"));
    expect((await session())?.["lifecycle"]).toBe("summarized");
    const blobs = createPostgresBlobStore(pool);
    await storeFile(server.sql, blobs, { session_id: "s-1", agent: "claude-code", parts: ["{}\n"] });
    await server.sql`UPDATE sessions SET parse_status = 'completed'`;
    await pool.run((sql) => noteParsing(sql, "s-1"));
    expect((await session())?.["lifecycle"]).toBe("ended");
    await server.sql`UPDATE transcript_generations SET parsed_bytes = stored_bytes`;
    await server.sql`UPDATE content_blocks SET content_text = 'Say hello' WHERE message_id = 'm1'`;
    await summarize();
    expect((await session())?.["summary"]).toStartWith("Prompts:\n- Say hello\n");
  });

  test("that failed advances once the parser succeeded", async () => {
    await addEnded();
    await server.sql`UPDATE sessions SET lifecycle = 'failed', parse_status = 'failed'`;
    await summarize();
    expect((await session())?.["lifecycle"]).toBe("failed");
    await server.sql`UPDATE sessions SET parse_status = 'completed'`;
    await summarize();
    expect((await session())?.["lifecycle"]).toBe("summarized");
  });

  test("whose deletion has begun is left alone", async () => {
    await addEnded();
    await server.sql`UPDATE sessions SET deleted_at = now()`;
    expect(await summarize()).toBe(0);
  });
});
