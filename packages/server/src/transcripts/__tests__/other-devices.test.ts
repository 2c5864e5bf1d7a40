import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { clearRows, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { readMaterial } from "../../db/summaries/material.ts";
import { requestReading } from "../../db/transcripts/read-again.ts";
import { refreshAndMatch } from "../../ingest/refresh-sessions.ts";
import { assistantLine, promptLine, resultLine, subagentMeta } from "./claude-lines.ts";
import { digestOf } from "./digest.ts";
import { useParsing } from "./parsing.ts";
import type { FileToStore } from "./store-file.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const parsing = useParsing();
afterEach(() => clearRows(parsing.sql));

/** A session of the laptop; the id of the other device is smaller. */
const OWNER = "laptop";
const OTHER = "desk";

type Parts = Pick<FileToStore, "parts" | "file" | "kind"> & { device_id: string };

async function arrive(files: readonly Parts[]): Promise<void> {
  for (const file of files) {
    await parsing.store({ session_id: "a", agent: "claude-code", ...file });
    await parsing.parseAll();
  }
}

/** The owner states that the session is its own. */
async function report(): Promise<void> {
  await parsing.sql`
    INSERT INTO session_reports (session_id, kind, at, workspace_id, device_id)
    VALUES ('a', 'report', '2025-01-01T00:00:00Z', 'w', ${OWNER})`;
  await refreshAndMatch(parsing.current().database, ["a"]);
  await parsing.parseAll();
}

/** In each order of arrival, and with the report before and after the files of the other device. */
async function expectOfEachOrder(files: { owner: Parts; other: Parts }, check: () => Promise<void>) {
  const { owner, other } = files;
  const digests = [];
  for (const arrival of [
    async () => {
      await arrive([owner]);
      await report();
      await arrive([other]);
    },
    async () => {
      await arrive([other]);
      await arrive([owner]);
      await report();
    },
    async () => {
      await arrive([other]);
      await parsing.sql`INSERT INTO devices (id, name, type) VALUES (${OWNER}, ${OWNER}, 'local') ON CONFLICT DO NOTHING`;
      await report();
      await arrive([owner]);
    },
  ]) {
    await clearRows(parsing.sql);
    await arrival();
    await check();
    digests.push(await digestOf(parsing.sql));
  }
  const [first, ...rest] = digests;
  for (const digest of rest) expect(digest).toEqual(first ?? {});
}

const session = async () => {
  const [row] = await parsing.sql`SELECT * FROM sessions WHERE id = 'a'`;
  return row ?? {};
};

test("another device's record of a message does not replace the owner's text, title, prompt and start", async () => {
  const asked = promptLine("a", "What the owner asked", { uuid: "m1" });
  const rewritten = promptLine("a", "Something else", { uuid: "m1" }).replace('"2026-', '"2020-');
  const files = {
    owner: { device_id: OWNER, parts: [asked] },
    other: { device_id: OTHER, parts: [rewritten] },
  };
  await expectOfEachOrder(files, async () => {
    const texts = await parsing.sql`SELECT content_text FROM content_blocks`;
    expect(texts.map(({ content_text }) => content_text)).toEqual(["What the owner asked"]);
    expect(await session()).toMatchObject({
      device_id: OWNER,
      title: "What the owner asked",
      initial_prompt: "What the owner asked",
    });
    expect(
      await parsing.sql`SELECT at FROM session_reports WHERE kind = 'transcript' AND device_id = ${OWNER}`,
    ).toMatchObject([{ at: new Date("2026-09-10T09:00:00Z") }]);
  });
});

test("another device's record of a response neither raises its tokens nor takes it over", async () => {
  const answer = assistantLine("a", { id: "r1", output: 10, uuid: "m2" });
  const stolen = assistantLine("a", { id: "r1", output: 1_000_000, uuid: "m3" }).replace('"2026-', '"2020-');
  const files = {
    owner: { device_id: OWNER, file: "subagents/agent-a1.jsonl", kind: "subagent", parts: [answer] },
    other: { device_id: OTHER, parts: [stolen] },
  } as const;
  await expectOfEachOrder(files, async () => {
    expect(await parsing.sql`SELECT file, output::int, at FROM model_responses`).toMatchObject([
      { file: "subagents/agent-a1.jsonl", output: 10, at: new Date("2026-09-10T09:00:00Z") },
    ]);
    expect(await session()).toMatchObject({ response_count: 1, tokens_out: "10" });
  });
});

test("another device's session with a known response does not take it over by an earlier time, nor when files are read again", async () => {
  await arrive([
    {
      device_id: OWNER,
      file: "subagents/agent-a1.jsonl",
      kind: "subagent",
      parts: [assistantLine("a", { id: "r1", output: 10 })],
    },
  ]);
  const stolen = assistantLine("b", { id: "r1", output: 1_000_000 }).replace('"2026-', '"2020-');
  await parsing.store({ session_id: "b", agent: "claude-code", device_id: OTHER, parts: [stolen] });
  await parsing.parseAll();
  const tokens = () => parsing.sql`SELECT id, tokens_out::int FROM sessions ORDER BY id`;
  const expected = [
    { id: "a", tokens_out: 10 },
    { id: "b", tokens_out: null },
  ];
  expect([...(await tokens())]).toEqual(expected);
  for (const id of ["b", "a"]) {
    await requestReading(parsing.sql, id);
    await parsing.parseAll();
    expect([...(await tokens())]).toEqual(expected);
  }
});

test("a response that another device's file of the session holds alone counts as its own", async () => {
  await arrive([
    { device_id: OWNER, parts: [assistantLine("a", { id: "r1" })] },
    { device_id: OTHER, parts: [assistantLine("a", { id: "r2", output: 10 })] },
  ]);
  expect(await session()).toMatchObject({ response_count: 2, tokens_out: "11" });
});

test("another device's files do not count in the session's facts, once its own device has files", async () => {
  const json = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const bash = { name: "Bash", input: { command: "bun test" } };
  const files = {
    owner: {
      device_id: OWNER,
      file: "own.jsonl",
      parts: [
        promptLine("a", "What the owner asked"),
        assistantLine("a", { id: "r1", call: { id: "c1", ...bash }, minute: 1 }),
        resultLine("a", { id: "c1", content: "3 pass", minute: 2 }),
        assistantLine("a", { id: "r2", minute: 3 }),
      ],
    },
    other: {
      device_id: OTHER,
      file: "a.jsonl",
      parts: [
        json({ type: "custom-title", customTitle: "Another title", sessionId: "a" }),
        json({ type: "pr-link", prNumber: 7, prUrl: "https://example.org/pull/7", sessionId: "a" }),
        promptLine("a", "What another device asked", { minute: 10 }).replace(
          '"cwd"',
          '"forkedFrom":{"sessionId":"b","messageUuid":"m"},"cwd"',
        ),
        assistantLine("a", { id: "r3", call: { id: "c2", ...bash }, minute: 11 }),
        assistantLine("a", { id: "r3", text: "Another answer.", minute: 12 }),
      ],
    },
  };
  await expectOfEachOrder(files, async () => {
    const { transcript, ...row } = await session();
    expect(row).toMatchObject({
      ...{ title: "What the owner asked", agent: "claude-code", forked_from: null, parent_session_id: null },
      ...{ user_messages: 1, assistant_messages: 2, tool_use_count: 1, response_count: 3 },
      ...{ transcript_s3_key: "transcripts/a/own.jsonl", initial_prompt: "What the owner asked" },
    });
    expect(transcript).toMatchObject({
      ...{ last_at: "2026-09-10T09:03:00.000000Z", tools: { Bash: 1 }, open_calls: [], pull_requests: [] },
      ...{ last_message: { kind: "assistant" }, tests: { runs: 1 }, commands_run: { count: 1 } },
    });
    expect(await readMaterial(parsing.sql, ["a"])).toMatchObject([
      { prompts: ["What the owner asked"], last_answer: "Done.", command_count: 1 },
    ]);
  });
});

test("another device's call or result neither replaces nor completes the owner's call of the same id", async () => {
  const call = (id: string, command: string, response: string) =>
    assistantLine("a", { id: response, call: { id, name: "Bash", input: { command } } });
  const files = {
    owner: {
      device_id: OWNER,
      parts: [
        call("c1", "bun test", "r1"),
        resultLine("a", { id: "c1", content: "3 pass\n 0 fail" }),
        call("c2", "git commit -m x", "r2"),
      ],
    },
    other: {
      device_id: OTHER,
      parts: [
        resultLine("a", { id: "c2", content: "[main 1a2b3c4] x" }),
        call("c1", "rm -r site", "r3"),
        resultLine("a", { id: "c1", content: "Exit code 1", is_error: true }),
        call("c3", "ls", "r4"),
      ],
    },
  };
  await expectOfEachOrder(files, async () => {
    const calls =
      await parsing.sql`SELECT call_id, command, is_returned, is_error, commits FROM tool_calls ORDER BY 1`;
    expect([...calls]).toEqual([
      { call_id: "c1", command: "bun test", is_returned: true, is_error: false, commits: [] },
      { call_id: "c2", command: "git commit -m x", is_returned: false, is_error: null, commits: [] },
      { call_id: "c3", command: "ls", is_returned: false, is_error: null, commits: [] },
    ]);
  });
});

test("another device's files change no column of the owner's session, but for the responses that they hold alone", async () => {
  const subagent = (device_id: string, agent: string, parts: string[]): Parts => ({
    ...{ device_id, file: `subagents/agent-${agent}.jsonl`, kind: "subagent", parts },
  });
  await arrive([
    {
      device_id: OWNER,
      parts: [
        promptLine("a", "First"),
        assistantLine("a", { id: "r1", minute: 1 }),
        promptLine("a", "Second", { minute: 30 }),
      ],
    },
    subagent(OWNER, "x", [assistantLine("a", { id: "r2", agentId: "x", minute: 2 })]),
  ]);
  await report();
  const rows = async () => ({
    session:
      await parsing.sql`SELECT (to_jsonb(s) - ${OF_RESPONSES}::text[]) #- '{transcript,own}' #- '{transcript,models}' #- '{transcript,context}' AS columns FROM sessions s`,
    subagents:
      await parsing.sql`SELECT to_jsonb(a) - ${OF_RESPONSES}::text[] FROM subagents a WHERE agent_id = 'x'`,
  });
  const before = await rows();
  expect(before.session[0]?.["columns"]).toMatchObject({ user_messages: 2, subagent_count: 1 });
  const json = (record: object) => `${JSON.stringify(record)}\n`;
  await arrive([
    {
      ...{ device_id: OTHER, file: "0.jsonl" },
      parts: [
        json({ type: "custom-title", customTitle: "Another title", sessionId: "a" }),
        json({ type: "cost-state", totalCostUSD: 99, sessionId: "a" }),
        json({ type: "no-such-type", sessionId: "a" }),
        "no JSON\n",
        promptLine("a", "Within the gap", { minute: 15 }),
        promptLine("a", "[Request interrupted by user]", { minute: 16 }),
        assistantLine("a", { id: "r3", minute: 40, call: { id: "c9", name: "Task", input: {} } }),
      ],
    },
    subagent(OTHER, "x", [
      assistantLine("a", { id: "r4", agentId: "x", minute: 0 }),
      promptLine("a", "Continue", { minute: 50 }).replace('"cwd"', '"agentId":"x","isSidechain":true,"cwd"'),
    ]),
    { device_id: OTHER, file: "subagents/agent-x.meta.json", kind: "meta", parts: [subagentMeta] },
    subagent(OTHER, "y", [assistantLine("a", { id: "r5", agentId: "y", minute: 3 })]),
  ]);
  expect(await rows()).toEqual(before);
  expect(await parsing.sql`SELECT FROM subagents`).toHaveLength(2);
});

const OF_RESPONSES = [
  ...["response_count", "tokens_in", "tokens_out", "cache_read_tokens", "cache_write_tokens"],
  ...["cost_estimate_usd", "cost_is_partial", "updated_at", "last_heard_at"],
];

describe("another device's turns of a session", () => {
  const rollout = (id: string, turns: readonly string[], parent?: string) => {
    const meta = { id, cwd: "/site", ...(parent === undefined ? {} : { forked_from_id: parent }) };
    const line = (type: string, payload: object) =>
      `${JSON.stringify({ timestamp: "2026-09-10T09:00:00.000Z", type, payload })}\n`;
    return [
      line("session_meta", meta),
      ...turns.flatMap((turn_id) => [
        line("turn_context", { turn_id, cwd: "/site", model: "gpt-6-sol" }),
        line("event_msg", { type: "user_message", message: `Asked in ${turn_id}` }),
      ]),
    ];
  };
  const parent = rollout("parent", ["t1"]);
  const fork = rollout("fork", ["t1", "t2"], "parent");
  const send = async (session_id: string, device_id: string, parts: string[]) => {
    await parsing.store({ session_id, agent: "codex", device_id, file: `${session_id}.jsonl`, parts });
    await parsing.parseAll();
  };
  const prompts = async () => {
    const rows = await parsing.sql`SELECT user_messages FROM sessions WHERE id = 'fork'`;
    return rows[0]?.["user_messages"];
  };

  test("take nothing from the owner's forks of it", async () => {
    await send("parent", OWNER, parent);
    await send("parent", OTHER, rollout("parent", ["t2"]));
    await send("fork", OWNER, fork);
    expect(await prompts()).toBe(1);
    await send("parent", OTHER, rollout("parent", ["t2", "t3", "t4"]));
    expect(await prompts()).toBe(1);
  });

  test("count where that device has forked it, and are those of the owner in any order", async () => {
    await send("fork", OTHER, fork);
    await send("parent", OWNER, rollout("parent", []));
    await send("parent", OTHER, parent);
    expect(await prompts()).toBe(1);
  });
});
