import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { clearRows, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { beginSessionDeletion, finishSessionDeletion } from "../../db/edits/session-deletion.ts";
import { findSessionRelations } from "../../db/reads/session-relations.ts";
import { requestReading } from "../../db/transcripts/read-again.ts";
import { refreshAndMatch } from "../../ingest/refresh-sessions.ts";
import { deriveSession } from "../derive-session.ts";
import { UNKNOWN_RECORDS_MAX } from "../parse/plan-step.ts";
import { releaseResponses } from "../release-responses.ts";
import { readPage } from "../transcript-page.ts";
import { assistantLine, promptLine, resultLine, subagentMeta } from "./claude-lines.ts";
import { useParsing } from "./parsing.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const parsing = useParsing();
afterEach(() => clearRows(parsing.sql));

const claude = (session_id: string, parts: string[], file = "main.jsonl") =>
  parsing.store({ session_id, agent: "claude-code", file, parts });

test("a deleted session's responses go to another session that holds them, and the others with it", async () => {
  await claude("a", [
    promptLine("a"),
    assistantLine("a", { id: "shared", output: 10 }),
    assistantLine("a", { id: "own" }),
  ]);
  await claude("b", [assistantLine("b", { id: "shared", output: 7, minute: 30 })]);
  await parsing.parseAll();
  const owners = () =>
    parsing.sql`SELECT response_key, session_id, output::int FROM model_responses ORDER BY 1`;
  expect(await owners()).toMatchObject([
    { response_key: "own", session_id: "a" },
    { response_key: "shared", session_id: "a", output: 10 },
  ]);
  await beginSessionDeletion(parsing.sql, "a");
  const deleteInPieces = createDeleteInPieces(parsing.current().database);
  await deleteInPieces(releaseResponses("a"));
  expect(await finishSessionDeletion(deleteInPieces, "a", {})).toBe(true);
  expect([...(await owners())]).toEqual([{ response_key: "shared", session_id: "b", output: 7 }]);
  await parsing.parseAll();
  expect(await parsing.sql`SELECT id, tokens_out::int FROM sessions`).toMatchObject([
    { id: "b", tokens_out: 7 },
  ]);
});

test("a result that comes in a later part completes its call, with tests and commits by the call's command", async () => {
  const call = assistantLine("a", {
    id: "m",
    call: { id: "t1", name: "Bash", input: { command: "git commit -m x && bun test" } },
  });
  const result = resultLine("a", { id: "t1", content: "[main 1a2b3c4] x\n 3 pass\n 1 fail", is_error: true });
  for (const part of [call, result]) {
    await claude("a", [part]);
    await parsing.parseAll();
  }
  expect(
    await parsing.sql`SELECT tool, command, is_returned, is_error, tests, commits FROM tool_calls`,
  ).toMatchObject([
    {
      tool: "Bash",
      command: "git commit -m x && bun test",
      is_returned: true,
      is_error: true,
      tests: { passed: 3, failed: 1, is_success: false },
      commits: ["1a2b3c4"],
    },
  ]);
});

test("a result in a file that is read before the call's file has its tests and commits, too", async () => {
  const call = assistantLine("a", {
    id: "m",
    call: { id: "t1", name: "Bash", input: { command: "git commit -m x" } },
  });
  await claude("a", [resultLine("a", { id: "t1", content: "[main 1a2b3c4] x" })], "1.jsonl");
  await parsing.parseAll();
  await claude("a", [call], "2.jsonl");
  await parsing.parseAll();
  expect(await parsing.sql`SELECT command, is_returned, commits FROM tool_calls`).toMatchObject([
    { command: "git commit -m x", is_returned: true, commits: ["1a2b3c4"] },
  ]);
});

test("messages that a rewritten file no longer has stay, and are marked once the newest generation is parsed", async () => {
  const [kept, gone, answer] = [
    promptLine("a", "kept", { minute: 1 }),
    promptLine("a", "gone", { minute: 2 }),
    assistantLine("a", { id: "m", minute: 3, text: "answer" }),
  ];
  const dropped = async () => {
    const reading = { density: "full" as const, scope: { session_id: "a", subagent_id: null }, limit: 10 };
    const { messages } = await readPage(parsing.sql, reading, null);
    return messages.map(({ content_blocks, is_dropped }) => [content_blocks[0]?.content_text, is_dropped]);
  };
  const store = (device_id: string, generation: number, parts: string[]) =>
    parsing.store({ session_id: "a", agent: "claude-code", device_id, generation, parts });
  await store("laptop", 1, [kept, gone, answer]);
  await parsing.parseAll();
  const all = [
    ["kept", false],
    ["gone", false],
    ["answer", false],
  ];
  expect(await dropped()).toEqual(all);
  await store("laptop", 2, [kept, answer]);
  expect(await dropped()).toEqual(all);
  await parsing.parseAll();
  expect(await dropped()).toEqual([
    ["kept", false],
    ["gone", true],
    ["answer", false],
  ]);
  await store("server", 1, [kept, gone]);
  await parsing.parseAll();
  expect(await dropped()).toEqual(all);
});

test("a rewind hides all from the prompt that it replaces, in each split into parts, and its tokens were spent", async () => {
  const after = (parent: string, line: string) => line.replace("{", `{"parentUuid":"${parent}",`);
  const lines = [
    promptLine("a", "first", { uuid: "p1" }),
    after("p1", assistantLine("a", { id: "m1", uuid: "a1" })),
    after("a1", promptLine("a", "second", { uuid: "p2" })),
    after("p2", assistantLine("a", { id: "m2", uuid: "a2" })),
    after("a1", promptLine("a", "instead", { uuid: "p3" })),
    after("p3", assistantLine("a", { id: "m3", uuid: "a3" })),
  ];
  const hidden = async (session_id: string) => {
    const rows = await parsing.sql`
      SELECT message_key FROM transcript_messages WHERE session_id = ${session_id} AND is_rewound ORDER BY ordinal`;
    return rows.map((row) => row["message_key"]);
  };
  await claude("a", lines);
  await parsing.parseAll();
  expect(await hidden("a")).toEqual(["p2", "a2"]);
  expect(await parsing.sql`SELECT response_count, user_messages FROM sessions`).toMatchObject([
    { response_count: 3, user_messages: 3 },
  ]);
  for (const line of lines) {
    await claude("b", [line.replaceAll('"a"', '"b"')]);
    await parsing.parseAll();
  }
  expect(await hidden("b")).toEqual(["p2", "a2"]);
  await claude("b", [lines[2]?.replaceAll('"a"', '"b"') ?? ""]);
  await parsing.parseAll();
  expect(await hidden("b")).toEqual(["p2", "a2"]);
});

test("an exit code that is not in the text of a result is kept, in each order of call and result", async () => {
  const line = (payload: object) =>
    `${JSON.stringify({ timestamp: "2026-09-10T09:00:00Z", type: "response_item", payload })}\n`;
  const input = JSON.stringify({ command: "bun test" });
  const call = line({ type: "function_call", name: "shell_command", arguments: input, call_id: "c" });
  const output = JSON.stringify({ output: "no sum", metadata: { exit_code: 3 } });
  const result = line({ type: "function_call_output", call_id: "c", output });
  const orders = { a: [call, result], b: [result, call] };
  for (const [session_id, parts] of Object.entries(orders))
    for (const part of parts) {
      await parsing.store({ session_id, agent: "codex", parts: [part] });
      await parsing.parseAll();
    }
  const outcome = { command: "bun test", exit_code: 3, is_error: true, tests: { is_success: false } };
  expect(await parsing.sql`SELECT command, exit_code, is_error, tests FROM tool_calls`).toMatchObject([
    outcome,
    outcome,
  ]);
  expect(
    await parsing.sql`SELECT transcript #> '{commands_run,failed}' AS failed FROM sessions`,
  ).toMatchObject([{ failed: 1 }, { failed: 1 }]);
});

test("a value that no column takes is replaced or left out, and the rest is kept", async () => {
  const deep = `${'{"a":'.repeat(700)}1${"}".repeat(700)}`;
  const long = "x".repeat(5_000);
  const odd = assistantLine("a", {
    id: long,
    output: 1e300,
    call: { id: long, name: long, input: { file_path: long, text: "\0\ud800" } },
  });
  await claude("a", [
    odd.replace('"text":', `"deep":${deep},"text":`),
    '{"type":"hologram","sessionId":"a","x":"\\u0000"}\n',
  ]);
  await parsing.parseAll();
  const [session] =
    await parsing.sql`SELECT parse_status, parse_error, tool_use_count, response_count, tokens_out FROM sessions`;
  expect(session).toEqual({
    parse_status: "completed",
    parse_error: null,
    tool_use_count: 1,
    response_count: 1,
    tokens_out: null,
  });
  const [unknown] = await parsing.sql`SELECT raw_message FROM transcript_messages WHERE kind = 'unknown'`;
  expect(unknown?.["raw_message"]).toEqual({ type: "hologram", sessionId: "a", x: "\ufffd" });
  const [generation] = await parsing.sql`SELECT counts FROM transcript_generations`;
  expect(generation?.["counts"]).toMatchObject({ records: 2, unknown: 1, replaced_characters: 3 });
});

test("a subagent's row is made before its messages, with what its files state", async () => {
  const line = assistantLine("a", { id: "m", agentId: "x1" });
  await parsing.store({
    session_id: "a",
    agent: "claude-code",
    kind: "subagent",
    file: "subagents/agent-x1.jsonl",
    parts: [line],
  });
  await parsing.store({
    session_id: "a",
    agent: "claude-code",
    kind: "meta",
    file: "subagents/agent-x1.meta.json",
    parts: [subagentMeta],
  });
  await parsing.parseAll();
  const [subagent] = await parsing.sql`SELECT id, agent_type, description, call_id FROM subagents`;
  expect(subagent).toMatchObject({ agent_type: "Explore", description: "Look around", call_id: "toolu_1" });
  expect(await parsing.sql`SELECT DISTINCT subagent_id FROM transcript_messages`).toMatchObject([
    { subagent_id: subagent?.["id"] },
  ]);
  expect(await parsing.sql`SELECT session_id, subagent_id FROM model_responses`).toMatchObject([
    { session_id: "a", subagent_id: subagent?.["id"] },
  ]);
});

test("a subagent without a meta file is shown at the call that started it, and not in copies", async () => {
  const call = { id: "t1", name: "Agent", input: { description: "Look", subagent_type: "Explore" } };
  const started = [
    assistantLine("a", { id: "m", call }),
    resultLine("a", { id: "t1", content: "Found.", agentId: "x1" }),
  ];
  await parsing.store({
    ...{ session_id: "a", agent: "claude-code", kind: "subagent", file: "subagents/agent-x1.jsonl" },
    parts: [assistantLine("a", { id: "n", agentId: "x1" })],
  });
  await claude("a", started);
  await claude("b", [...started, promptLine("b")]);
  await parsing.parseAll();
  const [subagent, ...others] = await parsing.sql`SELECT id, session_id, call_id FROM subagents`;
  expect([subagent, ...others]).toMatchObject([{ session_id: "a", call_id: "t1" }]);
  const reading = { density: "full", scope: { session_id: "a", subagent_id: null }, limit: 10 } as const;
  const { messages } = await readPage(parsing.sql, reading, null);
  const blocks = messages.flatMap(({ content_blocks }) => content_blocks);
  expect(blocks.find(({ call }) => call !== null)?.call?.subagent).toMatchObject({
    ...{ id: subagent?.["id"], agent_type: "Explore" },
  });
});

test("a subagent's model and times are those of its messages, unless events state them", async () => {
  const file = "subagents/agent-x1.jsonl";
  const add = async (...parts: string[]) => {
    await parsing.store({ session_id: "a", agent: "claude-code", kind: "subagent", file, parts });
    await parsing.parseAll();
    const { subagents } = await findSessionRelations(parsing.sql, "a");
    return subagents.map(({ model, started_at, ended_at }) => [
      model,
      minuteOf(started_at),
      minuteOf(ended_at),
    ]);
  };
  const minuteOf = (at: unknown) => (at instanceof Date ? at.getUTCMinutes() : at);
  const task = promptLine("a", "Look for the cause", { minute: 1 }).replace(
    "{",
    '{"agentId":"x1","isSidechain":true,',
  );
  const call = { id: "t1", name: "Bash", input: { command: "ls" } };
  expect(await add(task, assistantLine("a", { id: "m1", minute: 2, agentId: "x1", call }))).toEqual([
    ["claude-opus-5", 1, null],
  ]);
  const answer = assistantLine("a", { id: "m2", minute: 4, agentId: "x1", text: "Found it" });
  expect(await add(answer)).toEqual([["claude-opus-5", 1, 4]]);
  await parsing.sql`DELETE FROM transcript_messages`;
  await parsing.sql`UPDATE sessions SET lifecycle = 'archived'`;
  await deriveSession(parsing.current().database, "a");
  expect(await add()).toEqual([["claude-opus-5", 1, 4]]);
  await parsing.sql`UPDATE subagents SET model = 'stated', started_at = '2026-09-10T09:00:30Z'`;
  expect(await add()).toEqual([["stated", 0, 4]]);
});

test("a subagent's cost is neither bounded nor rounded", async () => {
  const file = "subagents/agent-x1.jsonl";
  const line = (id: string, output: number) => assistantLine("a", { id, output, agentId: "x1" });
  await parsing.store({
    ...{ session_id: "a", agent: "claude-code", kind: "subagent", file },
    parts: [line("m1", 1), line("m2", 1e12)],
  });
  await parsing.parseAll();
  const [costs] = await parsing.sql`
    SELECT a.cost_estimate_usd AS of_subagent, s.cost_estimate_usd AS of_session
    FROM subagents a JOIN sessions s ON s.id = a.session_id`;
  expect(costs?.["of_subagent"]).toBe(costs?.["of_session"]);
  expect(Number(costs?.["of_subagent"])).toBeGreaterThan(1e7);
});

test("what a subagent was asked is searched as a prompt", async () => {
  const task = promptLine("a", "Look for the cause").replace("{", '{"agentId":"x1","isSidechain":true,');
  const file = "subagents/agent-x1.jsonl";
  await parsing.store({ session_id: "a", agent: "claude-code", kind: "subagent", file, parts: [task] });
  await parsing.parseAll();
  expect(await parsing.sql`SELECT kind FROM search_documents WHERE message_id IS NOT NULL`).toMatchObject([
    { kind: "prompt" },
  ]);
});

describe("a result in a file of its own", () => {
  const file = "tool-results/t1.txt";
  const preview = "<persisted-output>\nOutput too large\n</persisted-output>";
  const command = { id: "t1", name: "Bash", input: { command: "bun test" } };
  const main = [
    assistantLine("a", { id: "m", call: command }),
    resultLine("a", { id: "t1", content: preview, spilled: `/home/ada/a/${file}` }),
  ];
  const spill = (text: string, device_id = "laptop", generation = 1) =>
    parsing.store({ ...SPILLED, file, device_id, generation, parts: [text] });
  const SPILLED = { session_id: "a", agent: "claude-code", kind: "tool-result" } as const;
  const shown = async () => {
    const [row] = await parsing.sql`
      SELECT result_text, b.metadata #>> '{spilled,shown,device_id}' AS device, tests, transcript #> '{tests,last,passed}' AS passed,
        (SELECT count(*)::int FROM search_documents WHERE tsv::text LIKE '%needle%') AS found
      FROM content_blocks b JOIN tool_calls ON call_id = tool_result_id JOIN sessions s ON s.id = tool_calls.session_id`;
    return row;
  };
  const output = `needle\0\n${"x".repeat(100)}\n 3 pass\n 1 fail\nRan 4 tests across 1 file.\n`;
  const filled = {
    ...{ result_text: output.replace("\0", "\ufffd"), device: "laptop", passed: 3, found: 1 },
    tests: { passed: 3, failed: 1, is_success: false },
  };

  test.each(["before", "after"])(
    "that arrives %s its call is shown, searched and read for tests",
    async (order) => {
      const arrivals = [() => claude("a", main), () => spill(output)];
      for (const arrive of order === "after" ? arrivals : arrivals.toReversed()) {
        await arrive();
        await parsing.parseAll();
      }
      expect(await shown()).toEqual(filled);
      await requestReading(parsing.sql, "a");
      await parsing.parseAll();
      expect(await shown()).toEqual(filled);
    },
  );

  test("is shown in its newest generation, and of several devices' that of the record", async () => {
    await claude("a", main);
    await spill("other needle", "desk");
    await parsing.parseAll();
    expect(await shown()).toMatchObject({ result_text: "other needle", device: "desk" });
    await spill("first");
    await spill(output, "laptop", 2);
    await parsing.parseAll();
    expect(await shown()).toEqual(filled);
  });

  test("that is long is shown with its beginning and its end", async () => {
    await claude("a", main);
    await spill(`begin\n${"line\n".repeat(200_000)}needle\n 2 pass\n 0 fail\n`);
    await parsing.parseAll();
    const result = String((await shown())?.["result_text"]);
    expect(result).toStartWith("begin\n");
    expect(result).toEndWith("needle\n 2 pass\n 0 fail\n");
    expect(result).toMatch(/… \d+ bytes are in the file only …/);
    expect(result.length).toBeLessThan(700_000);
    expect(await shown()).toMatchObject({ passed: 2, found: 1 });
  });

  test("whose bytes are damaged leaves the preview", async () => {
    await claude("a", main);
    await spill(output);
    await parsing.sql`
      UPDATE transcript_segments SET blob_hash = repeat('0', 64)
      WHERE file_id IN (SELECT id FROM transcript_files WHERE kind = 'tool-result')`;
    await parsing.parseAll();
    expect(await shown()).toMatchObject({ result_text: preview, found: 0 });
    expect(await parsing.sql`SELECT parse_status FROM sessions`).toMatchObject([
      { parse_status: "completed" },
    ]);
  });
});

test("records of an unknown type are kept up to a limit, in each split, and all are counted", async () => {
  const lines = UNKNOWN_RECORDS_MAX + 5;
  const counted = async (parts: string[]) => {
    await clearRows(parsing.sql);
    for (const part of parts) {
      await claude("a", [part]);
      await parsing.parseAll();
    }
    const [row] = await parsing.sql`
      SELECT (SELECT count(*)::int FROM transcript_facts WHERE fact = 'unknown') AS facts,
        (SELECT count(*)::int FROM transcript_messages WHERE kind = 'unknown') AS messages,
        (SELECT transcript -> 'lines' FROM sessions) AS lines`;
    return row;
  };
  const expected = {
    facts: UNKNOWN_RECORDS_MAX,
    messages: UNKNOWN_RECORDS_MAX,
    lines: { records: lines, unknown: lines, unknown_left_out: 5 },
  };
  expect(await counted(["{}\n".repeat(lines)])).toMatchObject(expected);
  expect(await counted(["{}\n".repeat(UNKNOWN_RECORDS_MAX - 2), "{}\n".repeat(7)])).toMatchObject(expected);
});

/** Where each row stands, and which transaction has written it. */
async function rowVersions(): Promise<Record<string, readonly unknown[]>> {
  const tables = await parsing.sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`;
  const versions: Record<string, readonly unknown[]> = {};
  for (const { name } of tables)
    versions[name] = await parsing.sql`SELECT ctid::text, xmin::text FROM ${parsing.sql(name)} ORDER BY 1`;
  return versions;
}

test("a session whose deletion has begun is not derived", async () => {
  const call = { id: "t1", name: "Bash", input: { command: "git commit -m x" } };
  const sha = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b";
  await claude("a", [
    promptLine("a"),
    assistantLine("a", { id: "m", call }),
    resultLine("a", { id: "t1", content: "[main 1a2b3c4] x" }),
  ]);
  await claude("a", [assistantLine("a", { id: "n", agentId: "a1" })], "subagents/agent-a1.jsonl");
  await parsing.parseAll();
  await parsing.sql`
    INSERT INTO git_activity (id, type, workspace_id, device_id, commit_sha, timestamp, session_inferred, matched_to)
    VALUES ('g', 'commit', 'w', 'laptop', ${sha}, '2026-09-10T09:00:00Z', true, '')`;
  // As if it was about to be derived for the first time.
  await parsing.sql`DELETE FROM session_reports`;
  await parsing.sql`
    INSERT INTO session_reports (session_id, kind, at, workspace_id, device_id)
    VALUES ('a', 'report', '2026-09-10T09:00:00Z', 'w', 'laptop')`;
  await parsing.sql`UPDATE subagents SET tokens_out = NULL`;
  await parsing.sql`UPDATE sessions SET total_messages = NULL, transcript = NULL, live_state = NULL, is_outdated = true, has_only_files = true`;
  await beginSessionDeletion(parsing.sql, "a");
  const before = await rowVersions();
  await deriveSession(parsing.current().database, "a");
  expect(await rowVersions()).toEqual(before);
  await refreshAndMatch(parsing.current().database, ["a"]);
  expect(await rowVersions()).toEqual(before);
});
