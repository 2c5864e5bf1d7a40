import { expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { SECRET_RULES } from "@wharf/redaction";
import pino from "pino";
import { createPostgresBlobStore } from "../blobs/postgres-store.ts";
import { routesOf } from "../http/operation.ts";
import { exampleRequest } from "../openapi/__tests__/example-request.ts";
import { createSender } from "../transcripts/custody/__tests__/send-file.ts";
import { parseSession } from "../transcripts/parse/parse-session.ts";
import { setupApp } from "./setup-app.ts";

const logged: string[] = [];
const server = setupApp({ logger: pino({ level: "trace" }, { write: (line) => logged.push(line) }) });
const { append, raw } = createSender(server);

/** One fake secret for each rule, as it stands in a text. */
const CANARIES = SECRET_RULES.map(({ id, example_parts }) => ({ id, text: example_parts.join("") }));
/** What the rule leaves of its example is no secret: the part that is replaced is looked for. */
const SECRETS = CANARIES.map(({ id, text }) => ({ id, secret: longestWord(id, text) }));
const ALL = CANARIES.map(({ text }) => text).join("\n");
/** Whole canaries: one that is cut within is no secret of its rule, and may hold another rule's. */
const upTo = (characters: number) => ALL.slice(0, ALL.lastIndexOf("\n", characters));

function longestWord(id: string, text: string): string {
  const rule = SECRET_RULES.find((candidate) => candidate.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  const match = new RegExp(rule.pattern, rule.flags).exec(text);
  const secret = match?.[rule.group] ?? "";
  const words = secret.split(/\s/).sort((a, b) => b.length - a.length);
  return words[0] ?? "";
}

const at = "2026-03-01T10:00:00Z";
const eventOf = (type: string, data: object, fields: object = {}) => ({
  id: createUlid(),
  type,
  timestamp: at,
  device_id: "laptop",
  workspace_id: "github.com/acme/site",
  session_id: "s1",
  data,
  ...fields,
});

function transcript(): string {
  const record = (uuid: string, type: string, message: object, more: object = {}) => ({
    type,
    uuid,
    sessionId: "s1",
    timestamp: at,
    cwd: "/work",
    gitBranch: "main",
    message,
    ...more,
  });
  const call = {
    type: "tool_use",
    id: "call-1",
    name: "Bash",
    input: { command: ALL, env: JSON.stringify({ all: ALL }) },
  };
  const result = { type: "tool_result", tool_use_id: "call-1", content: [{ type: "text", text: ALL }] };
  const image = {
    type: "image",
    source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" },
    name: ALL,
  };
  return [
    record("u1", "user", { role: "user", content: ALL }),
    record("u2", "assistant", {
      role: "assistant",
      id: "m1",
      model: "claude",
      content: [{ type: "text", text: ALL }, call],
    }),
    record("u3", "user", { role: "user", content: [result, image] }, { toolUseResult: { stdout: ALL } }),
    record(
      "u4",
      "user",
      { role: "user", content: `Summary: ${ALL}` },
      { isCompactSummary: true, gitBranch: ALL },
    ),
    { type: "summary", summary: ALL, leafUuid: "u2" },
    { type: "ai-title", aiTitle: ALL, sessionId: "s1" },
    { type: "unknown-record", note: encodeURIComponent(ALL) },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

/** Sends each canary in each place that a device or a person writes. */
async function sendCanaries(): Promise<void> {
  const commit = {
    hash: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
    message: ALL,
    author_name: "Ada",
    branch: ALL,
  };
  const events = [
    eventOf("session.start", {
      cc_session_id: "s1",
      cwd: "/work",
      git_branch: ALL,
      initial_prompt: ALL,
      source: "startup",
    }),
    eventOf("prompt.submit", { prompt: ALL, nested: JSON.stringify({ again: JSON.stringify({ ALL }) }) }),
    eventOf("tool.use", { tool_name: "Bash", input: { command: ALL }, [upTo(2_000)]: 1 }),
    eventOf("git.commit", { ...commit, files_changed: 1, insertions: 1, deletions: 1 }),
    eventOf("skill.invoked", { session_id: "s1", skill_name: upTo(100), args: ALL }),
    eventOf("prompt.submit", { prompt: ALL }, { timestamp: ALL }),
    ...CANARIES.map(({ text }) => eventOf("prompt.submit", { prompt: `say ${text}` })),
    ...CANARIES.map(({ text }) => eventOf("prompt.submit", { prompt: text }, { timestamp: text })),
  ];
  for (let from = 0; from < events.length; from += 100)
    expect(
      (await server.request("POST", "/api/events", { events: events.slice(from, from + 100) })).status,
    ).toBe(202);
  await server.request("POST", "/api/events", `{"prompt": ${JSON.stringify(ALL)}`, {
    "content-type": "application/x-ndjson",
  });
  for (const path of ["/api/sessions", "/api/backfill/sessions"]) {
    const report = {
      id: "s2",
      session_id: "s2",
      workspace_canonical_id: "github.com/acme/site",
      device_id: "laptop",
      started_at: at,
      cwd: `/${CANARIES[0]?.text}`,
      git_branch: upTo(4_000),
      initial_prompt: ALL,
      metadata: { note: ALL, [ALL]: true },
    };
    expect((await server.request("POST", path, report)).status).toBeWithin(200, 202);
  }
  await server.request("PATCH", "/api/sessions/s1", { summary: ALL, add_tags: [SECRETS[0]?.secret ?? ""] });
  const lines = transcript();
  const middle = Math.floor(lines.length / 2);
  const first = await append(lines.slice(0, middle), { device: "laptop" });
  expect(first.status).toBe(202);
  const offset: number = first.body.source_bytes;
  expect((await append(lines.slice(offset), { device: "laptop", offset })).status).toBe(202);
  for (const [index, { text }] of CANARIES.entries()) {
    await append(text, { file: `tool-results/${index}.txt`, kind: "tool-result", final: true });
    if (/^[\w.-]+$/.test(text))
      await append("{}\n", { file: `subagents/agent-${text}.jsonl`, kind: "subagent" });
  }
  await server.projected();
  const { pools } = server.current();
  await parseSession({ database: pools.deferrable, blobs: createPostgresBlobStore(pools.deferrable) }, "s1");
}

/** Every table as text, and every blob unpacked. */
async function everythingStored(): Promise<[string, string][]> {
  const tables = await server.sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace ORDER BY 1`;
  const found: [string, string][] = [];
  for (const { name } of tables) {
    const rows = await server.sql<
      { row: string }[]
    >`SELECT row_to_json(t)::text AS row FROM ${server.sql(name)} t`;
    found.push([name, rows.map(({ row }) => row.replaceAll('\\"', '"').replaceAll("\\n", "\n")).join("\n")]);
  }
  const blobs = createPostgresBlobStore(server.current().pools.deferrable);
  for (const { hash } of await server.sql<
    { hash: string }[]
  >`SELECT DISTINCT blob_hash AS hash FROM transcript_segments`) {
    const content = await blobs.get(hash);
    const frame = await new Response(content ?? null).bytes();
    found.push([`blob ${hash}`, new TextDecoder().decode(await Bun.zstdDecompress(frame))]);
  }
  return found;
}

/** The responses of every read route about the session, the lists and the metrics. */
async function everythingAnswered(): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const { method, path, operation } of routesOf(server.current().app)) {
    // The client's program holds the rules with their examples.
    if (method !== "GET" || operation === null || path.startsWith("/client/")) continue;
    const { url } = exampleRequest(`${method} ${path}`, operation);
    const urls = [url.replace(/^(\/api\/sessions\/)[^/?]+/, "$1s1"), path.replace(/:id\b.*/, "s1")];
    for (const asked of [...new Set(urls)]) {
      const { body } = await server.request("GET", asked.replace(/\?.*/, ""));
      found.push([`GET ${asked}`, typeof body === "string" ? body : JSON.stringify(body)]);
    }
  }
  return found;
}

test("no secret is in a table, blob, response, metric or log, wherever it was sent", async () => {
  await sendCanaries();
  const places = [
    ...(await everythingStored()),
    ...(await everythingAnswered()),
    ["log", logged.join("\n")] as const,
  ];
  expect(places.length).toBeGreaterThan(60);
  const [first] =
    await server.sql`SELECT count(*)::int AS blocks FROM content_blocks WHERE session_id = 's1'`;
  expect(first?.["blocks"]).toBeGreaterThan(3);
  const leaks = places.flatMap(([place, text]) =>
    SECRETS.filter(({ secret }) => text.toLowerCase().includes(secret.toLowerCase())).map(
      ({ id }) => `${place}: ${id}`,
    ),
  );
  expect(leaks).toEqual([]);
  const { body } = await server.request("GET", "/api/sessions/s1");
  expect(Object.keys(body.session.redactions.hub).length).toBeGreaterThan(SECRET_RULES.length / 2);
  expect(await raw("file=main.jsonl")).toContain("[REDACTED:github-token:");
}, 60_000);
