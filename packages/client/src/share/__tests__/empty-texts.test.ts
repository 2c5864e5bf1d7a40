import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import {
  claudeCode,
  codex,
  describeCall,
  exitCodeOf,
  type Fact,
  geminiCli,
  isObject,
  type JsonObject,
  opencode,
  type Parser,
  printedCommits,
  readRecord,
  type TranscriptFile,
} from "@wharf/transcripts";
import { filesOfCase } from "../../../../transcripts/src/__tests__/case-files.ts";
import { CASES } from "../../../../transcripts/src/__tests__/read-file.ts";
import { dataRow } from "../../transcripts/opencode/rows.ts";
import { emptyEventData, emptyLine, emptyText } from "../empty-texts.ts";

const CANARY = "canary";

function read<State>(parser: Parser<State>, file: TranscriptFile, lines: readonly string[]): Fact[] {
  const state = parser.begin(file);
  return lines.flatMap((line, index) => {
    const record = readRecord(line);
    return record.line === "record" ? parser.read(state, record.record, index + 1) : [];
  });
}

function factsOf(agent: string, file: TranscriptFile, lines: readonly string[]): Fact[] {
  if (agent === "codex") return read(codex, file, lines);
  if (agent === "opencode") return read(opencode, file, lines);
  return agent === "gemini-cli" ? read(geminiCli, file, lines) : read(claudeCode, file, lines);
}

/** A row of a database, as it is sent. */
function asSent(line: string): string {
  const read = readRecord(line);
  if (read.line !== "record") return line;
  const { table, row } = read.record;
  return JSON.stringify(isObject(row) ? dataRow(String(table), row) : read.record);
}

/** What is counted and priced. */
function countedOf(facts: readonly Fact[]): unknown[] {
  return facts.flatMap((fact): unknown[] => {
    if (fact.fact === "subagent")
      return [{ ...fact, subagent: { ...fact.subagent, label: "", description: "" } }];
    if (fact.fact !== "message") return fact.fact === "title" || fact.fact === "pull_request" ? [] : [fact];
    const { blocks, ...message } = fact.message;
    const counted = blocks.map(({ type, tool, call_id, is_error, exit_code, text }) => {
      return { type, tool, call_id, is_error, exit_code, stated: exitCodeOf(text ?? "") };
    });
    return [{ ...message, blocks: counted }];
  });
}

const textsOf = (facts: readonly Fact[]) =>
  facts.flatMap((fact) =>
    fact.fact === "message" ? fact.message.blocks.flatMap(({ text }) => text ?? []) : [],
  );

describe("a transcript with emptied texts", () => {
  test.each(readdirSync(CASES).filter((name) => /^\d/.test(name)))(
    "is counted as before: %s",
    async (name) => {
      for (const file of await filesOfCase(name)) {
        if (file.kind === "meta" || file.kind === "tool-result") continue;
        const stored = new TextDecoder().decode(file.bytes).split("\n");
        const lines = file.agent === "opencode" ? stored.map(asSent) : stored;
        const before = factsOf(file.agent, file, lines);
        const emptied = lines.map(emptyLine);
        const after = factsOf(file.agent, file, emptied);
        expect(countedOf(after)).toEqual(countedOf(before));
        const sent = emptied.join("\n");
        for (const text of textsOf(before)) if (/\w+ \w+ \w+/.test(text)) expect(sent).not.toContain(text);
      }
    },
  );

  test("has no text in members of any name, also in those that are kept elsewhere", () => {
    const hidden = { name: CANARY, type: CANARY, id: CANARY, [CANARY]: 1, command: [CANARY], n: 4711 };
    const records: JsonObject[] = [
      { type: "user", message: { content: CANARY }, [`${CANARY} x`]: 1, title: CANARY, name: CANARY },
      {
        type: "assistant",
        message: { content: [{ type: "tool_use", id: "t", name: "Bash", input: hidden }] },
      },
      {
        type: "user",
        toolUseResult: hidden,
        message: { content: [{ type: "tool_result", content: CANARY }] },
      },
      {
        type: "response_item",
        payload: { type: "function_call", name: "x", arguments: JSON.stringify(hidden) },
      },
      { type: "summary", summary: CANARY, model: `a ${CANARY}`, modelUsage: { [`${CANARY} 1`]: { n: 1 } } },
      {
        type: "attachment",
        attachment: { type: "file", filename: CANARY, content: hidden, snapshot: hidden },
      },
    ];
    const sent = [...records.map((record) => JSON.stringify(record)), `{"broken": "${CANARY}`].map(emptyLine);
    for (const line of sent) expect(line).not.toMatch(/canary|4711/);
    expect(sent[1]).toContain('"name":"Bash"');
  });

  test.each([
    ["git commit -m 'canary'", "[main 1a2b3c4] canary\n 1 file changed\n"],
    ["cd canary && git -C canary commit -am canary", "[canary/x (root-commit) 1a2b3c4] canary"],
    ["git am canary", "[detached HEAD 1a2b3c4] canary"],
    [["bash", "-lc", "git merge canary"], "[main 1a2b3c4] canary"],
  ])("keeps the hash of a commit that %j printed, and nothing else of it", (command, output) => {
    const input = JSON.parse(
      emptyLine(JSON.stringify({ type: "tool_use", name: "Bash", input: { command } })),
    ).input;
    const result = JSON.parse(emptyLine(JSON.stringify({ tool_use_id: "t", content: output }))).content;
    expect(JSON.stringify([input, result])).not.toContain("canary");
    const kept = describeCall("bash", input).command ?? "";
    expect(printedCommits(kept, result).map(({ sha }) => sha)).toEqual(["1a2b3c4"]);
    expect([kept.length, result.length]).toEqual([
      describeCall("bash", { command }).command?.length ?? 0,
      output.length,
    ]);
  });

  test("keeps no hash that git did not print as one, and no other command", () => {
    const key = "0123456789abcdef0123456789abcdef";
    for (const text of [`[key ${key}] x`, "see [main 1a2b3c4] x", "[main 1a2b3c4]x", "1a2b3c4 canary"])
      expect(emptyText(text)).toMatch(/^x+$/);
    const line = JSON.stringify({ type: "tool_use", name: "Bash", input: { command: "git log --all" } });
    expect(emptyLine(line)).not.toContain("git");
  });

  test("keeps the length and the lines of a text", () => {
    expect(emptyText("one two\nthree")).toBe("xxxxxxx\nxxxxx");
    expect(emptyText("Exit code 2\nno")).toBe("Exit code 2\nxx");
    expect(emptyLine("")).toBe("");
  });
});

test("events of hooks have emptied prompts, commands, messages and paths", () => {
  const data = {
    tool: "Bash",
    command: CANARY,
    paths: [CANARY],
    file_list: [{ path: CANARY, status: "added" }],
  };
  expect(emptyEventData({ ...data, message: CANARY, text: CANARY, hash: "ab", insertions: 2 })).toEqual({
    tool: "Bash",
    command: "xxxxxx",
    paths: ["xxxxxx"],
    file_list: [{ path: "xxxxxx", status: "added" }],
    message: "xxxxxx",
    text: "xxxxxx",
    hash: "ab",
    insertions: 2,
  });
});
