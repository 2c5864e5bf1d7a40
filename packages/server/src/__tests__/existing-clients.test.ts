import { beforeEach, expect, test } from "bun:test";
import { setupApp } from "./setup-app.ts";

const server = setupApp();

type Recorded = readonly [
  request: string,
  body: unknown,
  status: number,
  response: unknown,
  headers?: Record<string, string>,
];

const [text, number, list] = [expect.any(String), expect.any(Number), expect.any(Array)];
const START = "2025-03-14T09:00:00.000Z";
const END = "2025-03-14T09:10:00.000Z";
const LINE = '{"type":"user","uuid":"u1","message":{"content":"Greet the visitor"}}\n';
const LONGER = `${LINE}{"type":"user","uuid":"u2","message":{"content":"By name"}}\n`;

const id = (letter: string) => `01JP9Z8Q6V8T3M2K1H0000000${letter}`;
const envelope = (letter: string, type: string, data: object, timestamp = START) => ({
  ...{ id: id(letter), type, timestamp, device_id: "desk", workspace_id: "github.com/acme/site" },
  ...{ session_id: "s-1", data, blob_refs: [], ingested_at: null },
});
const PLACE = { git_branch: "main", git_remote: "git@github.com:acme/site.git", model: "sonnet-5" };
const started = envelope("A", "session.start", {
  ...{ cc_session_id: "s-1", cwd: "/w", cc_version: "1.0.0", source: "startup", transcript_path: "/t.jsonl" },
  ...{ ...PLACE, _device_name: "Desk", _device_type: "local" },
});
// Hooks of these clients do not know the duration.
const ended = envelope(
  "B",
  "session.end",
  { cc_session_id: "s-1", duration_ms: 0, end_reason: "exit", transcript_path: "/t.jsonl", ...PLACE },
  END,
);
const committed = envelope("C", "git.commit", {
  ...{ hash: "a".repeat(40), message: "Greet", author_name: "Ada", branch: "main", files_changed: 1 },
  ...{ insertions: 2, deletions: 1, file_list: [{ path: "greeting.ts", status: "modified" }] },
});
const pushed = { branch: "main", remote: "origin", commit_count: 1, commits: ["a".repeat(40)] };
const outside = {
  ...envelope("D", "git.push", pushed, "2025-03-14T08:30:00.000Z"),
  workspace_id: "github.com/acme/shop",
  session_id: null,
};

const row = {
  ...{
    id: "s-1",
    workspace_id: text,
    device_id: "desk",
    lifecycle: "ended",
    started_at: text,
    ended_at: text,
  },
  ...{ end_reason: "exit", git_branch: "main", model: "sonnet-5", source: "startup", duration_ms: 600_000 },
  ...{ parse_status: "pending", tags: [], summary: null, metadata: { cwd: "/w" } },
  ...{ workspace_canonical_id: "github.com/acme/site", workspace_name: "site", device_name: "Desk" },
};
const page = { next_cursor: null, has_more: false };
const totals = { session_count: 1, active_session_count: 0, last_session_at: text, total_cost_usd: number };
const sums = { ...totals, total_duration_ms: 600_000, total_tokens_in: number, total_tokens_out: number };
const error = (status: number, short: unknown) => ({ status, error: short, code: text, request_id: text });

async function replay(recorded: readonly Recorded[]): Promise<void> {
  for (const [request, body, status, response, headers] of recorded) {
    const [method = "", path = ""] = request.split(" ");
    const answer = await server.request(method, path, body, headers);
    expect({ request, status: answer.status, body: answer.body }).toMatchObject({
      request,
      status,
      body: response,
    });
  }
}

beforeEach(async () => {
  const { body } = await server.request("POST", "/api/events/ingest", {
    events: [started, ended, committed, outside],
  });
  expect(body).toEqual({ ingested: 4, duplicates: 0, rejected: 0, results: list });
  await server.projected();
});

test("events, reports and transcripts of existing clients are stored, and answered as they expect", async () => {
  const report = {
    ...{ id: "r-1", workspace_canonical_id: "github.com/acme/site", device_id: "desk", started_at: START },
    ...{ ended_at: END, end_reason: "exit", initial_prompt: "Greet", tags: ["docs"], metadata: { a: 1 } },
    ...{ device_name: "Desk", device_type: "local" },
  };
  const { ended_at: _, end_reason: __, ...open } = { ...report, id: "r-2" };
  const backfill = {
    ...{ session_id: "b-1", workspace_canonical_id: "github.com/acme/site", device_id: "desk", cwd: "/w" },
    ...{ device_name: "Desk", device_type: "local", started_at: START, ended_at: END, duration_ms: 600_000 },
    ...{ git_branch: "main", source: "backfill", is_live: false },
  };
  const lines = [started, { ...started, id: id("E") }].map((one) => JSON.stringify(one)).join("\n");
  const ndjson = { "content-type": "application/x-ndjson" };
  const main = "transcripts/s-1/main.jsonl";
  await replay([
    [
      "POST /api/events",
      { events: [started, { ...started, id: "no-ulid" }, { ...started, id: id("F") }] },
      202,
      {
        ...{ ingested: 1, duplicates: 1, rejected: 1 },
        results: [
          { index: 0, id: id("A"), status: "duplicate" },
          { index: 1, id: "no-ulid", status: "rejected" },
          { index: 2, id: id("F"), status: "accepted" },
        ],
        errors: [{ index: 1, error: text, pointer: "/id" }],
      },
    ],
    [
      "POST /api/events/ingest",
      `${lines}\n\nbroken\n`,
      202,
      { ingested: 1, duplicates: 1, rejected: 1 },
      ndjson,
    ],
    ["POST /api/sessions", report, 201, { session: { id: "r-1", tags: ["docs"] } }],
    ["POST /api/sessions", report, 200, { session: { id: "r-1" } }],
    ["POST /api/sessions", open, 201, { session: { id: "r-2" } }],
    ["GET /api/sessions?lifecycle=detected", undefined, 200, { sessions: [{ lifecycle: "capturing" }] }],
    ["POST /api/backfill/sessions", backfill, 201, { status: "created", session_id: "b-1" }],
    ["POST /api/backfill/sessions", backfill, 200, { status: "exists", session_id: "b-1" }],
    [
      "POST /api/sessions/s-1/transcript/upload",
      LINE,
      202,
      { status: "uploaded", s3_key: main, reconcile_enqueued: true },
      ndjson,
    ],
    ["POST /api/sessions/s-1/transcript/upload", LINE, 200, { status: "already_uploaded" }, ndjson],
    ["POST /api/sessions/s-1/transcript/upload", LONGER, 202, { status: "uploaded" }, ndjson],
    ["GET /api/sessions/s-1/transcript/raw", undefined, 200, LONGER],
    ["POST /api/sessions/s-1/transcript/upload?subagent_id=a1", LINE, 202, { status: "uploaded" }],
    ["POST /api/sessions/s-1/reparse", undefined, 202, {}],
    ["POST /api/sessions/r-1/reparse", undefined, 409, error(409, text)],
    ["GET /api/prompts/pending?device_id=desk", undefined, 200, { prompts: list, ...page }],
  ]);
});

test("reads of existing clients have their parameters and shapes", async () => {
  const listed = { sessions: [row], ...page };
  const { body: found } = await server.request("GET", "/api/workspaces/site");
  const { id: workspace_id } = found.workspace;
  const commit = { type: "commit", commit_sha: "a".repeat(40), session_id: "s-1" };
  const empty = "workspace_id=&device_id=&after=&before=&tag=&q=&lifecycle=&cursor=&limit=";
  const range = "after=2025-03-14T08:00:00Z&before=2025-03-14T10:00:00Z";
  const ends = "ended_after=2025-03-14T09:00:00Z&ended_before=2025-03-14T10:00:00Z";
  const gitItem = {
    ...{ type: "git_activity", workspace_id: text, workspace_name: "shop", device_id: "desk" },
    ...{ device_name: "Desk", git_activity: [{ type: "push" }], started_at: text },
  };
  const items = [{ type: "session", session: row, git_activity: [commit] }];
  const both = [...items, gitItem];
  const device = { id: "desk", name: "Desk", workspace_count: 2, ...sums };
  const dismissed = { workspace_id, device_id: "desk", action: "declined" };
  await replay([
    [`GET /api/sessions?${empty}`, undefined, 200, listed],
    [`GET /api/sessions?lifecycle=ended,parsed&${range}&limit=1000`, undefined, 200, listed],
    [`GET /api/sessions?lifecycle=parsed&lifecycle=ended&${ends}`, undefined, 200, listed],
    ["GET /api/sessions?lifecycle=detected", undefined, 200, { sessions: [], ...page }],
    [`GET /api/sessions?workspace_id=${workspace_id}&device_id=desk`, undefined, 200, listed],
    [
      "GET /api/sessions?workspace_id=github.com/acme/site&tag=none",
      undefined,
      200,
      { sessions: [], ...page },
    ],
    [
      "GET /api/sessions/s-1",
      undefined,
      200,
      {
        session: { ...row, subagents: [], skills: [], worktrees: [], teammates: [] },
      },
    ],
    [
      "GET /api/sessions/s-1/events?limit=1",
      undefined,
      200,
      { events: list, has_more: true, next_cursor: text },
    ],
    ["GET /api/sessions/s-1/git", undefined, 200, { git_activity: [commit], ...page }],
    ["GET /api/sessions/s-1/transcript?limit=50", undefined, 200, { messages: [], ...page }],
    ["GET /api/timeline?limit=250&types=", undefined, 200, { items: both, ...page }],
    [`GET /api/timeline?workspace_id=${workspace_id}&${range}`, undefined, 200, { items, ...page }],
    ["GET /api/workspaces", undefined, 200, { workspaces: list, ...page }],
    [
      "GET /api/workspaces/SITE",
      undefined,
      200,
      {
        workspace: { canonical_id: "github.com/acme/site", ...sums, device_count: 1 },
        recent_sessions: [row],
        devices: [{ id: "desk", local_path: "/w" }],
        git_summary: {
          ...{ total_commits: 1, total_pushes: 0, active_branches: list, last_commit_at: text },
        },
        stats: {
          ...{
            total_sessions: 1,
            active_sessions: 0,
            total_messages: number,
            first_session_at: text,
            ...sums,
          },
        },
      },
    ],
    ["GET /api/devices", undefined, 200, { devices: [device] }],
    ["GET /api/devices/desk", undefined, 200, { device, workspaces: list, recent_sessions: [row] }],
    ["POST /api/prompts/dismiss", dismissed, 200, dismissed],
    [
      "GET /api/health",
      undefined,
      200,
      {
        ...{ status: "ok", uptime_seconds: number, version: text },
        checks: { db: { ok: true, latency_ms: number } },
      },
      { authorization: "" },
    ],
  ]);
});

test("edits of existing clients, and the session for which they wait", async () => {
  const status = (lifecycle: string, complete: boolean) => ({
    statuses: { "s-1": { lifecycle, parse_status: text, complete } },
    not_found: ["none"],
  });
  const edited = (changes: object) => ({ session: { ...row, ...changes } });
  const ids = { session_ids: ["s-1", "none"] };
  await replay([
    ["PATCH /api/sessions/s-1", { tags: ["a"] }, 200, edited({ tags: ["a"] })],
    [
      "PATCH /api/sessions/s-1",
      { add_tags: ["b"], summary: "Greets" },
      200,
      edited({ tags: ["a", "b"], summary: "Greets" }),
    ],
    ["PATCH /api/sessions/s-1", { remove_tags: ["a"] }, 200, edited({ tags: ["b"], summary: "Greets" })],
    ["POST /api/sessions/batch-status", ids, 200, status("ended", false)],
  ]);
  for (const lifecycle of ["summarized", "archived"]) {
    await server.sql`UPDATE sessions SET lifecycle = ${lifecycle} WHERE id = 's-1'`;
    await replay([["POST /api/sessions/batch-status", ids, 200, status(lifecycle, true)]]);
  }
  await replay([
    ["DELETE /api/sessions/s-1", undefined, 204, ""],
    ["GET /api/sessions/s-1", undefined, 404, error(404, "Session not found")],
  ]);
});

test("errors carry the short texts that existing clients look for", async () => {
  const denied = error(401, "Missing or invalid API key");
  const many = { session_ids: Array.from({ length: 10_001 }, (_, n) => `${n}`) };
  await replay([
    ["GET /api/sessions", undefined, 401, denied, { authorization: "" }],
    ["POST /api/events/ingest", { events: [started] }, 401, denied, { authorization: "Bearer unknown" }],
    ["GET /api/sessions/none", undefined, 404, error(404, "Session not found")],
    ["PATCH /api/sessions/none", { tags: [] }, 404, error(404, "Session not found")],
    ["DELETE /api/sessions/none", undefined, 404, error(404, "Session not found")],
    ["GET /api/sessions/none/transcript", undefined, 404, error(404, "Session not found")],
    ["POST /api/sessions/none/transcript/upload", LINE, 404, error(404, "Session not found")],
    ["POST /api/sessions/none/reparse", undefined, 404, error(404, "Session not found")],
    ["GET /api/workspaces/none", undefined, 404, error(404, "Workspace not found")],
    ["GET /api/devices/none", undefined, 404, error(404, "Device not found")],
    ["GET /api/sessions?cursor=none", undefined, 400, error(400, text)],
    ["POST /api/events", "{", 400, error(400, text)],
    ["POST /api/events", { events: [] }, 400, error(400, text)],
    ["POST /api/events", "<xml/>", 415, error(415, text), { "content-type": "text/xml" }],
    ["POST /api/sessions/batch-status", many, 400, error(400, text)],
    ["GET /api/none", undefined, 404, error(404, text)],
  ]);
});
