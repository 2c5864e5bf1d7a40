import { describe, expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { TEXT_CHARACTERS_MAX } from "../../db/reads/transcripts/blocks.ts";
import { addCall, addMessages, addResponse, call, text } from "../../transcripts/__tests__/add-messages.ts";
import { storeFile } from "../../transcripts/__tests__/store-file.ts";

const server = setupApp();
const long = `${"a `b` ".repeat(TEXT_CHARACTERS_MAX)}the end`;

const get = (format: string, id = "s") =>
  server.current().app.request(`/api/sessions/${id}/export?format=${format}`, {
    headers: { authorization: `Bearer ${server.key}` },
  });

async function addSession(): Promise<void> {
  const messages = [
    { id: "ask", kind: "prompt", blocks: [text("Fix it\nplease")] },
    { id: "note", kind: "context", blocks: [text("a reminder")] },
    {
      id: "call",
      kind: "assistant",
      response_key: "r1",
      blocks: [call("c1", "Bash", { command: "ls `x`\nrm" })],
    },
    {
      id: "task",
      kind: "assistant",
      response_key: "r1",
      blocks: [call("c2", "Task", { description: "Review" })],
    },
    { id: "answer", kind: "assistant", response_key: "r2", blocks: [text(long), text("Done.")] },
    { id: "undone", kind: "prompt", is_rewound: true, blocks: [text("No")] },
  ];
  const file_id = await addMessages(server.sql, { session_id: "s", messages });
  const bash = { call_id: "c1", tool: "Bash", command: "ls `x`\nrm", exit_code: 1 };
  await addCall(server.sql, file_id, { session_id: "s", ...bash });
  await addCall(server.sql, file_id, { session_id: "s", call_id: "c2", tool: "Task" });
  await addResponse(server.sql, { session_id: "s", key: "r1" });
  await server.sql`
    INSERT INTO subagents (id, session_id, agent_id, agent_type, call_id) VALUES ('sub', 's', 'agent-1', 'reviewer', 'c2')`;
  await addMessages(server.sql, {
    ...{ session_id: "s", file: "subagents/agent-1.jsonl" },
    messages: [{ id: "sub-task", kind: "task", subagent_id: "sub", blocks: [text("Review it")] }],
  });
  await server.sql`UPDATE sessions SET title = 'Fix <it>', cost_estimate_usd = 0.25, cost_is_partial = true`;
}

describe("the export of a session", () => {
  test("as JSON holds all messages with their whole texts, and those of its subagents", async () => {
    await addSession();
    const response = await get("json");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="session-s.json"');
    const exported = JSON.parse(await response.text());
    expect(exported.session).toMatchObject({ id: "s", title: "Fix <it>", subagents: [{ id: "sub" }] });
    const { body } = await server.request("GET", "/api/sessions/s/transcript");
    const idsOf = (messages: { id: string }[]) => messages.map(({ id }) => id);
    expect(idsOf(exported.messages)).toEqual(idsOf(body.messages));
    expect(
      exported.messages[4].content_blocks.map((block: { content_text: string }) => block.content_text),
    ).toEqual([long, "Done."]);
    expect(exported.messages[2]).toMatchObject({
      tokens_in: 10,
      content_blocks: [{ call: { state: "error" } }],
    });
    expect(exported.subagents).toMatchObject([{ subagent_id: "sub", messages: [{ id: "sub-task" }] }]);
  });

  test("as Markdown is a story with folded calls", async () => {
    await addSession();
    const response = await get("markdown");
    expect(response.headers.get("content-type")).toBe("text/markdown; charset=utf-8");
    const story = await response.text();
    const beginning = `# Fix &lt;it>

- Session: s
- Workspace: github.com/acme/site
- Device: laptop
- Started: 2025-03-14T10:00:00.000000Z
- Cost: 0.25 USD at least

## Prompt · 2025-03-14T10:00:00Z

> Fix it
> please

<details><summary>2 calls</summary>

- Bash \`ls 'x'\` — error
- Task \`Review\` — ok

</details>

## Answer · 2025-03-14T10:00:04Z

`;
    expect(story.slice(0, beginning.length)).toBe(beginning);
    expect(story).toContain(`${long}\n\nDone.\n`);
    expect(story).toContain("## Prompt · 2025-03-14T10:00:05Z · rewound\n\n> No\n");
    expect(story).toEndWith(
      "# Subagent agent-1 (reviewer)\n\n## Task · 2025-03-14T10:00:00Z\n\n> Review it\n",
    );
    expect(story).not.toContain("a reminder");
  });

  test("as tar holds the files as kept, also of older generations and with long names", async () => {
    const { sql } = server;
    const blobs = createPostgresBlobStore(server.current().pools.deferrable);
    const name = `${"folder/".repeat(20)}ünï.jsonl`;
    const add = (file: string, parts: string[], more = {}) =>
      storeFile(sql, blobs, { session_id: "s", agent: "codex", file, parts, ...more });
    await add("main.jsonl", ["one\n", "two\n"]);
    await add("main.jsonl", ["rewritten\n"], { generation: 2 });
    await add(name, ["x".repeat(1_000), "y".repeat(1_048)]);
    await add("empty.jsonl", []);
    for (const device_id of ["..", "a/b", "a:b", "a_b"])
      await add("main.jsonl", [`of ${device_id}\n`], { device_id });
    const response = await get("tar");
    expect(response.headers.get("content-type")).toBe("application/x-tar");
    const files = await new Bun.Archive(await response.bytes()).files();
    const texts = await Promise.all(
      [...files].map(async ([path, file]) => [path, await file.text()] as const),
    );
    expect(Object.fromEntries(texts)).toEqual({
      "codex/laptop/main.jsonl.1": "one\ntwo\n",
      "codex/laptop/main.jsonl": "rewritten\n",
      [`codex/laptop/${name}`]: "x".repeat(1_000) + "y".repeat(1_048),
      "codex/laptop/empty.jsonl": "",
      "codex/_~58b9e70b/main.jsonl": "of ..\n",
      "codex/a_b~a7e86136/main.jsonl": "of a/b\n",
      "codex/a_b~d8160c9b/main.jsonl": "of a:b\n",
      "codex/a_b/main.jsonl": "of a_b\n",
    });
  });

  test("of an unknown session or format is refused", async () => {
    await addSession();
    expect((await get("json", "none")).status).toBe(404);
    expect((await get("tar", "none")).status).toBe(404);
    expect((await get("zip")).status).toBe(400);
  });

  test("of a session without transcripts is complete", async () => {
    await server.request("POST", "/api/sessions", {
      ...{ id: "bare", device_id: "laptop", workspace_canonical_id: "github.com/acme/site" },
      started_at: "2025-03-14T10:00:00Z",
    });
    expect(JSON.parse(await (await get("json", "bare")).text())).toMatchObject({
      messages: [],
      subagents: [],
    });
    expect(await (await get("markdown", "bare")).text()).toContain("- Session: bare\n");
    expect((await new Bun.Archive(await (await get("tar", "bare")).bytes()).files()).size).toBe(0);
  });
});

describe("the export of all sessions that match", () => {
  const getAll = async (query: string) => {
    const { app } = server.current();
    return await app.request(`/api/sessions/export?${query}`, {
      headers: { authorization: `Bearer ${server.key}` },
    });
  };

  async function addSessions(): Promise<void> {
    await addSession();
    for (const [id, device_id] of [
      ["bare", "laptop"],
      ["elsewhere", "desk"],
    ] as const)
      await server.request("POST", "/api/sessions", {
        ...{ id, device_id, workspace_canonical_id: "github.com/acme/site" },
        started_at: "2025-03-15T10:00:00Z",
      });
  }

  test("has one session a line, newest first, each as its own export", async () => {
    await addSessions();
    const response = await getAll("device_id=laptop");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="sessions.ndjson"');
    const lines = (await response.text()).split("\n");
    expect(lines.pop()).toBe("");
    const sessions = lines.map((line) => JSON.parse(line));
    expect(sessions.map(({ session }) => session.id)).toEqual(["bare", "s"]);
    expect(sessions[1]).toEqual(JSON.parse(await (await get("json")).text()));
    const chosen = (await (await getAll("ids=s,none")).text()).split("\n");
    expect(chosen).toHaveLength(2);
  });

  test("as Markdown has one after the other, and as tar a directory for each", async () => {
    await addSessions();
    const texts = (await (await getAll("device_id=laptop&format=markdown")).text()).split("\n---\n\n");
    expect(texts).toHaveLength(2);
    expect(texts[1]).toBe(await (await get("markdown")).text());
    const blobs = createPostgresBlobStore(server.current().pools.deferrable);
    await storeFile(server.sql, blobs, {
      session_id: "s",
      agent: "codex",
      file: "main.jsonl",
      parts: ["one\n"],
    });
    const response = await getAll("format=tar");
    expect([...(await new Bun.Archive(await response.bytes()).files()).keys()]).toContain(
      "s/codex/laptop/main.jsonl",
    );
    expect((await getAll("format=zip")).status).toBe(400);
    expect((await getAll("live_state=gone")).status).toBe(400);
  });
});
