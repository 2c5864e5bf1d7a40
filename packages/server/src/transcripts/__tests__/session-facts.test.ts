import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { putPriceSchema, REPORT_TEXT_CHARACTERS_MAX, sessionTranscriptSchema } from "@wharf/protocol";
import { clearRows, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { filesOfCase } from "../../../../transcripts/src/__tests__/case-files.ts";
import { CASES, casesWith, type Expected } from "../../../../transcripts/src/__tests__/read-file.ts";
import { endIdleSessions } from "../../db/edits/idle-sessions.ts";
import { refreshAndMatch } from "../../ingest/refresh-sessions.ts";
import { reprice } from "../../jobs/repricing.ts";
import { deriveSession } from "../derive-session.ts";
import { createPricing } from "../pricing.ts";
import { useParsing } from "./parsing.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const parsing = useParsing();
afterEach(() => clearRows(parsing.sql));

const START_MS = Date.UTC(2025, 2, 14, 10);
const time = (seconds: number) => new Date(START_MS + seconds * 1000).toISOString();

type Line = Record<string, unknown>;
let lines = 0;
const line = (seconds: number, fields: Line): Line => {
  lines += 1;
  return {
    uuid: `u${lines}`,
    sessionId: "s",
    timestamp: time(seconds),
    cwd: "/repo",
    gitBranch: "main",
    ...fields,
  };
};
const prompt = (seconds: number, content: string) =>
  line(seconds, { type: "user", message: { role: "user", content } });
const assistant = (seconds: number, id: string, content: Line[], input_tokens = 10): Line =>
  line(seconds, {
    type: "assistant",
    message: {
      ...{ id, model: "claude-sonnet-5", content, stop_reason: "end_turn" },
      usage: { input_tokens, output_tokens: 5, cache_read_input_tokens: 100 },
    },
  });
const use = (id: string, name: string, input: Line): Line => ({ type: "tool_use", id, name, input });
const result = (seconds: number, tool_use_id: string, content: string, is_error = false) =>
  line(seconds, {
    type: "user",
    message: { role: "user", content: [{ type: "tool_result", tool_use_id, content, is_error }] },
  });

const SESSION = () => [
  prompt(0, "Fix the tests\nplease"),
  assistant(1, "r1", [use("c1", "Read", { file_path: "/repo/a.ts" })]),
  result(2, "c1", "text"),
  assistant(3, "r2", [use("c2", "Edit", { file_path: "/repo/a.ts", old_string: "1", new_string: "2" })], 30),
  result(4, "c2", "no such text", true),
  assistant(5, "r3", [use("c3", "Bash", { command: "bun test" })]),
  result(9, "c3", "Exit code 1\n 3 pass\n 1 fail\nRan 4 tests across 1 file. [1s]", true),
  assistant(10, "r4", [
    use("c4", "Skill", { skill: "review" }),
    use("c5", "Bash", { command: "git commit -m x" }),
  ]),
  result(11, "c4", "ok"),
  result(12, "c5", "[main 0123abc] x\n 1 file changed"),
  { type: "pr-link", prNumber: 7, prUrl: "https://example.org/acme/site/pull/7", sessionId: "s" },
  line(1000, {
    type: "system",
    subtype: "compact_boundary",
    compactMetadata: { trigger: "auto", preTokens: 900 },
  }),
  assistant(1001, "r5", [{ type: "text", text: "Done." }]),
];

async function store(content: readonly Line[], device_id = "laptop"): Promise<void> {
  const parts = [content.map((record) => `${JSON.stringify(record)}\n`).join("")];
  await parsing.store({ session_id: "s", agent: "claude-code", device_id, file: "s.jsonl", parts });
  await parsing.parseAll();
}

async function stored(id = "s") {
  const [row] =
    await parsing.sql`SELECT *, reported_cost_usd::float8 AS reported FROM sessions WHERE id = ${id}`;
  return row ?? {};
}

describe("a session of which only files are known", () => {
  const end = () => endIdleSessions(parsing.sql, 3 * 3_600_000, ["s"]);
  const words = (seconds: number, id: string) => assistant(seconds, id, [{ type: "text", text: "More." }]);

  test("ends at its last message at once where that is old, however late its files arrive", async () => {
    await store(SESSION());
    expect(await end()).toEqual(["s"]);
    expect(await stored()).toMatchObject({ lifecycle: "ended", duration_ms: "1001000" });
    await store([words(1100, "r6")]);
    expect(await end()).toEqual(["s"]);
    expect(await stored()).toMatchObject({ lifecycle: "ended", duration_ms: "1100000" });
  });

  test("stays open while its last message is young, and is open again when it has another one", async () => {
    const now = () => Math.round((Date.now() - Date.parse("2025-03-14T10:00:00Z")) / 1_000);
    await store(SESSION());
    expect(await end()).toEqual(["s"]);
    await store([words(now(), "r6")]);
    expect(await end()).toEqual([]);
    expect(await stored()).toMatchObject({ lifecycle: "detected", ended_at: null, ended_by_server: false });
  });

  test("is judged by its files again once no event of its device came for long", async () => {
    await store(SESSION());
    await parsing.sql`UPDATE sessions SET has_only_files = false`;
    expect(await end()).toEqual([]);
    await parsing.sql`
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
      SELECT '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'agent.prompt', '2025-03-14T10:00:00Z', device_id, workspace_id, id, '{}' FROM sessions`;
    expect(await end()).toEqual([]);
    await parsing.sql`UPDATE events SET ingested_at = now() - interval '4 hours'`;
    expect(await end()).toEqual(["s"]);
  });
});

describe("the facts of a session", () => {
  test("are what its transcript shows", async () => {
    await store(SESSION());
    const { transcript, ...session } = await stored();
    expect(session).toMatchObject({ title: "Fix the tests", agent: "claude-code", live_state: "idle" });
    expect(sessionTranscriptSchema.parse(transcript)).toMatchObject({
      ...{ title_source: "prompt", wall_ms: 1_001_000, active_ms: 13_000 },
      ...{ first_at: "2025-03-14T10:00:00.000000Z", last_at: "2025-03-14T10:16:41.000000Z" },
      place: { cwd: "/repo", branch: "main" },
      own: { tokens_in: 70, tokens_out: 25, cache_read_tokens: 500, response_count: 5, tool_use_count: 5 },
      models: [{ model: "claude-sonnet-5", responses: 5 }],
      context: { max: 130, last: 110 },
      tools: { Bash: 2, Read: 1, Edit: 1, Skill: 1 },
      tool_errors: 2,
      commands_run: {
        count: 2,
        failed: 1,
        last: [{ command: "git commit -m x" }, { command: "bun test", exit_code: 1 }],
      },
      tests: { runs: 1, last: { command: "bun test", passed: 3, failed: 1, is_success: false } },
      files: { read: 1, written: 1, added: 1, removed: 1 },
      commits: ["0123abc"],
      pull_requests: ["https://example.org/acme/site/pull/7"],
      compactions: {
        count: 1,
        list: [{ trigger: "auto", tokens_before: 900, at: "2025-03-14T10:16:40.000000Z" }],
      },
      skills: [{ name: "review", calls: 1 }],
      last_message: { kind: "assistant", has_tool_use: false },
      last_prompt: "Fix the tests",
      open_calls: [],
      lines: { records: 13 },
    });
    expect(transcript.context.sizes.map(({ tokens }: { tokens: number }) => tokens)).toEqual([
      110, 130, 110, 110, 110,
    ]);
  });

  test("name what was asked last, in a line, and not what was rewound", async () => {
    await store([prompt(0, "Fix the tests"), prompt(2, "Now the docs.\nAll of them.")]);
    expect((await stored())["transcript"]).toMatchObject({
      title: "Fix the tests",
      last_prompt: "Now the docs.",
    });
    await parsing.sql`UPDATE transcript_messages SET is_rewound = true WHERE timestamp > '2025-03-14T10:00:00Z'`;
    await deriveSession(parsing.current().database, "s");
    expect((await stored())["transcript"]).toMatchObject({ last_prompt: "Fix the tests" });
  });

  test("have texts as long as in a report, and no cost beyond what can be added up", async () => {
    const long = "d".repeat(REPORT_TEXT_CHARACTERS_MAX * 2);
    const first = { ...prompt(0, "Go"), cwd: `/${long}`, gitBranch: long, version: long };
    await store([first, { type: "cost-state", sessionId: "s", totalCostUSD: 1e300, modelUsage: {} }]);
    const { git_branch, reported, metadata, transcript } = await stored();
    const texts = [git_branch, metadata.cwd, metadata.cc_version, ...Object.values(transcript.place)];
    expect(texts.map(({ length }) => length)).toEqual(Array(6).fill(REPORT_TEXT_CHARACTERS_MAX));
    expect(reported).toBeNull();
  });

  test("are the same from a second device's copy, and when they are derived again", async () => {
    const session = SESSION();
    await store(session);
    const before = await stored();
    await deriveSession(parsing.current().database, "s");
    expect((await stored())["transcript"]).toEqual(before["transcript"]);
    await store(session, "server");
    expect((await stored())["transcript"]).toEqual(before["transcript"]);
  });

  test("follow a change of prices, as a derivation would write them", async () => {
    const { database } = parsing.current();
    const { message, ...record } = assistant(2, "r2", [], 1_000_000);
    await store([
      prompt(0, "Go"),
      assistant(1, "r1", []),
      { ...record, message: { ...Object(message), model: "house" } },
    ]);
    await parsing.store({
      ...{ session_id: "s", agent: "claude-code", kind: "subagent", file: "subagents/agent-x.jsonl" },
      parts: [`${JSON.stringify({ ...assistant(3, "r3", []), agentId: "x", isSidechain: true })}\n`],
    });
    await parsing.parseAll();
    expect(await stored()).toMatchObject({
      cost_is_partial: true,
      transcript: { unpriced_models: ["house"], models: [{}, { model: "house", cost_usd: null }] },
    });
    const prices = createPricing(database);
    for (const model of ["house", "claude-sonnet-5"]) {
      const price = { provider: "acme", input: 2, output: 0, cache_read: 1 };
      await prices.put(putPriceSchema.parse({ model, ...price }));
    }
    await reprice(database, new AbortController().signal);
    const subagents = () => parsing.sql`SELECT cost_estimate_usd::float8 AS usd FROM subagents`;
    const repriced = await stored();
    expect(repriced).toMatchObject({
      transcript: {
        unpriced_models: [],
        models: [{ cost_usd: 0.00024 }, { cost_usd: 2.0001 }],
        own: { cost_estimate_usd: 2.00022 },
      },
    });
    expect([...(await subagents())]).toEqual([{ usd: 0.00012 }]);
    await deriveSession(database, "s");
    expect(await stored()).toEqual({ ...repriced, updated_at: expect.any(Date) });
    expect([...(await subagents())]).toEqual([{ usd: 0.00012 }]);
  });

  test("stay when their messages were deleted, but for what follows from responses", async () => {
    await store(SESSION());
    const { transcript, title } = await stored();
    await parsing.sql`UPDATE sessions SET lifecycle = 'archived'`;
    await parsing.sql`DELETE FROM content_blocks`;
    await parsing.sql`DELETE FROM transcript_messages`;
    await parsing.sql`DELETE FROM model_responses WHERE response_key = 'r1'`;
    await deriveSession(parsing.current().database, "s");
    const after = await stored();
    expect(after["title"]).toBe(title);
    expect(after["transcript"]).toEqual({
      ...transcript,
      own: { ...after["transcript"].own, tool_use_count: 5, response_count: 4 },
      models: [expect.objectContaining({ responses: 4 })],
      context: { ...transcript.context, sizes: transcript.context.sizes.slice(1) },
    });
  });

  test("show a call without result as long as there is none", async () => {
    await store([prompt(0, "Go"), assistant(1, "r1", [use("c1", "Bash", { command: "sleep 1" })])]);
    expect((await stored())["transcript"]).toMatchObject({ open_calls: [{ call_id: "c1", tool: "Bash" }] });
    expect(await stored()).toMatchObject({ live_state: "stale_call", live_reason: "Bash" });
    await store([result(2, "c1", "ok")]);
    expect((await stored())["transcript"]).toMatchObject({ open_calls: [] });
  });
});

describe("what events and reports leave open", () => {
  const placed = async () => {
    const { started_at, start_reported_at, initial_prompt, git_branch, model, metadata, lifecycle } =
      await stored();
    return { started_at, start_reported_at, initial_prompt, git_branch, model, metadata, lifecycle };
  };
  const fileFirst = "UPDATE sessions SET has_only_files = true";

  test("is filled by the files of the session's own device", async () => {
    await parsing.store({ session_id: "s", agent: "claude-code", file: "s.jsonl", parts: [] });
    await parsing.sql.unsafe(fileFirst);
    await store(SESSION());
    expect(await placed()).toEqual({
      ...{ started_at: new Date(START_MS), start_reported_at: null, lifecycle: "detected" },
      ...{ initial_prompt: "Fix the tests\nplease", git_branch: "main", model: "claude-sonnet-5" },
      metadata: { cwd: "/repo" },
    });
    expect((await stored())["has_only_files"]).toBe(true);
  });

  test("is not filled by another device's files", async () => {
    await parsing.store({ session_id: "s", agent: "claude-code", file: "s.jsonl", parts: [] });
    await parsing.sql`INSERT INTO devices (id, name, type) VALUES ('owner', 'owner', 'local') ON CONFLICT DO NOTHING`;
    await parsing.sql`UPDATE sessions SET device_id = 'owner'`;
    const before = await placed();
    await store(SESSION());
    expect(await placed()).toEqual(before);
    expect((await stored())["title"]).toBe("Fix the tests");
  });

  const remote = "https://ada:secret@github.com/Acme/Shop.git";
  const meta = {
    ...{ type: "session_meta", timestamp: time(0) },
    payload: { id: "s", cwd: "/repo", git: { branch: "main", repository_url: remote } },
  };
  const asked = { type: "event_msg", timestamp: time(1), payload: { type: "user_message", message: "Go" } };
  const storeRollout = () =>
    parsing.store({
      ...{ session_id: "s", agent: "codex", file: "rollout.jsonl" },
      parts: [meta, asked].map((record) => `${JSON.stringify(record)}\n`),
    });
  const workspaces = () => parsing.sql`
    SELECT w.canonical_id, (SELECT array_agg(canonical_id ORDER BY canonical_id) FROM workspaces) AS known
    FROM sessions s JOIN workspaces w ON w.id = s.workspace_id`;
  const lacksWorkspace = async () => {
    await parsing.sql`
      INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('none', '_unassociated', '_unassociated') ON CONFLICT DO NOTHING`;
    await parsing.sql`UPDATE sessions SET workspace_id = 'none'`;
  };

  test("includes the workspace, which is that of the files' git remote", async () => {
    await storeRollout();
    await lacksWorkspace();
    await parsing.sql.unsafe(fileFirst);
    await parsing.parseAll();
    const placed = {
      canonical_id: "github.com/Acme/Shop",
      known: ["_unassociated", "github.com/Acme/Shop", "github.com/acme/site"],
    };
    expect([...(await workspaces())]).toEqual([placed]);
    await deriveSession(parsing.current().database, "s");
    expect([...(await workspaces())]).toEqual([placed]);
  });

  test.each([
    ["of which an event is known", lacksWorkspace],
    ["that has one", () => parsing.sql.unsafe(fileFirst)],
  ])("does not include the workspace of a session %s", async (_, prepare) => {
    await storeRollout();
    await prepare();
    const before = [...(await workspaces())];
    await parsing.parseAll();
    expect([...(await workspaces())]).toEqual(before);
  });

  test("does not include what a report states", async () => {
    await store(SESSION());
    await parsing.sql`
      INSERT INTO session_reports (session_id, kind, at, workspace_id, device_id, git_branch)
      VALUES ('s', 'report', ${time(500)}, 'w', 'laptop', 'next')`;
    await refreshAndMatch(parsing.current().database, ["s"]);
    expect(await placed()).toMatchObject({
      ...{ started_at: new Date(START_MS + 500_000), lifecycle: "capturing" },
      ...{ git_branch: "next", initial_prompt: "Fix the tests\nplease" },
    });
    expect((await stored())["has_only_files"]).toBe(false);
  });
});

describe("the title of a session", () => {
  const ai = (aiTitle: string) => ({ type: "ai-title", aiTitle, sessionId: "s" });
  const custom = { type: "custom-title", customTitle: "Mine", sessionId: "s" };

  test("is the last generated one, below the one that a person chose", async () => {
    await store([prompt(0, "Go"), ai("First"), ai("Second")]);
    expect((await stored())["title"]).toBe("Second");
    await store([custom, ai("Third")]);
    expect((await stored())["title"]).toBe("Mine");
  });

  test("is not taken from another device's file when its own device has one", async () => {
    await store([prompt(0, "Go"), custom], "server");
    await parsing.sql`UPDATE sessions SET device_id = 'laptop-2' WHERE false`;
    expect((await stored())["title"]).toBe("Mine");
    await parsing.sql`INSERT INTO devices (id, name, type) VALUES ('owner', 'owner', 'local') ON CONFLICT DO NOTHING`;
    await parsing.sql`UPDATE sessions SET device_id = 'owner' WHERE id = 's'`;
    await store([prompt(5, "What the owner asked")], "owner");
    expect((await stored())["title"]).toBe("What the owner asked");
  });

  test("stays when another source has given it", async () => {
    await store([prompt(0, "Go")]);
    await parsing.sql`UPDATE sessions SET title = 'Edited'`;
    await store([ai("Generated")]);
    expect((await stored())["title"]).toBe("Edited");
  });

  for (const folder of casesWith("expected.json")) {
    test(`${folder} has its expected titles, agents and stated costs`, async () => {
      for (const { bytes, ...file } of await filesOfCase(folder))
        await parsing.store({
          ...file,
          parts: [bytes],
          is_torn: bytes.at(-1) !== 0x0a && file.kind === "main",
        });
      await parsing.parseAll();
      const expected: Expected = await Bun.file(join(CASES, folder, "expected.json")).json();
      for (const { id, title, reported_cost_usd } of expected.sessions.filter(
        (session) => !session.id.includes("/"),
      )) {
        const row = await stored(id);
        if (title !== undefined) expect([id, row["title"]]).toEqual([id, title]);
        if (reported_cost_usd !== undefined) expect(row["reported"]).toBe(reported_cost_usd);
        const { transcript } = row;
        if (transcript !== null) expect(() => sessionTranscriptSchema.parse(transcript)).not.toThrow();
      }
      const [sums] = await parsing.sql`
        SELECT sum(s.tokens_in)::int AS tokens,
          sum((s.transcript #>> '{own,tokens_in}')::int)::int + coalesce((SELECT sum(tokens_in)::int FROM subagents), 0) AS parts
        FROM sessions s`;
      expect(sums?.["parts"]).toBe(sums?.["tokens"]);
    });
  }
});
