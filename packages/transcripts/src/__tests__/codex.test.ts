import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { codex, type Fact, type JsonObject } from "../index.ts";
import { sessionOfRollout } from "./case-files.ts";
import { describeSession } from "./describe-session.ts";
import { countHome } from "./hub.ts";
import { CASES, casesOf, type Expected, type FileRead, readTranscript } from "./read-file.ts";

const folders = casesOf(".codex");

function turnsOf(facts: Fact[]): string[] {
  return facts.flatMap((fact) => (fact.fact === "turn" ? [fact.id] : []));
}

function parentOf(facts: Fact[]): string | null {
  const origin = facts.find((fact) => fact.fact === "origin");
  return origin?.fact === "origin" ? (origin.parent ?? origin.forked_from) : null;
}

/** All rollouts of a home; one that another started is read again with the other's turns. */
async function readHome(folder: string, part_bytes: number, areParentsKnown = true) {
  const home = join(CASES, folder);
  const paths = [...new Glob("home/.codex/sessions/**/*.jsonl").scanSync({ cwd: home, dot: true })].sort();
  const read = (path: string, parent_turns?: string[]) => {
    const session_id = sessionOfRollout(path);
    const file = { session_id, file: "rollout.jsonl", ...(parent_turns && { parent_turns }) };
    return readTranscript(codex, join(home, path), file, part_bytes);
  };
  const files: { path: string; read: FileRead }[] = [];
  for (const path of paths) {
    const first = await read(path);
    const parent = files.find((file) => file.read.file.session_id === parentOf(first.facts));
    const isForked = parent !== undefined && areParentsKnown;
    files.push({ path, read: isForked ? await read(path, turnsOf(parent.read.facts)) : first });
  }
  return { files, counted: countHome(files.map((file) => file.read)) };
}

describe("Codex", () => {
  for (const folder of folders) {
    for (const areParentsKnown of [true, false]) {
      test(`reads ${folder} as expected, ${areParentsKnown ? "parents first" : "without its parents"}`, async () => {
        const expected: Expected = await Bun.file(join(CASES, folder, "expected.json")).json();
        for (const part_bytes of [61, 1_000_000]) {
          const { files, counted } = await readHome(folder, part_bytes, areParentsKnown);
          expect(counted.map(({ id }) => id).sort()).toEqual(expected.sessions.map(({ id }) => id).sort());
          for (const wanted of expected.sessions) {
            const session = counted.find(({ id }) => id === wanted.id);
            if (session === undefined) throw new Error("a session is missing");
            const described = describeSession(session, []);
            const { parent, agent_type, compactions, responses, tokens, ...values } = wanted;
            expect(described).toMatchObject(values);
            if (compactions !== undefined) expect(described["compactions"]).toHaveLength(Number(compactions));
            if (responses === null) expect(session.responses).toEqual([]);
            else expect(described).toMatchObject({ responses, tokens });
            if (parent !== undefined)
              expect(session.facts).toContainEqual(
                expect.objectContaining({ fact: "origin", parent, agent_type }),
              );
          }
          for (const [path, lines] of Object.entries(expected.lines))
            expect({ path, ...files.find((file) => file.path === path)?.read.lines }).toMatchObject({
              path,
              ...lines,
            });
        }
      });
    }
  }

  test("has cases to read", () => {
    expect(folders.length).toBeGreaterThanOrEqual(4);
  });
});

function readAll(records: JsonObject[]): Fact[] {
  const state = codex.begin({ session_id: "s", file: "rollout.jsonl" });
  return records.flatMap((record, index) => codex.read(state, record, index + 1));
}

function tokenCount(total: JsonObject | null, last: JsonObject | null): JsonObject {
  const info = { ...(total && { total_token_usage: total }), ...(last && { last_token_usage: last }) };
  return { type: "event_msg", payload: { type: "token_count", info } };
}

function outputsOf(facts: Fact[]): (number | null)[] {
  return facts.flatMap((fact) => (fact.fact === "response" ? [fact.response.usage.output] : []));
}

test("counts totals alone by what they grew by, and whole after a reset", () => {
  const total = (input_tokens: number, output_tokens: number) => ({ input_tokens, output_tokens });
  const facts = readAll([
    tokenCount(total(100, 10), null),
    tokenCount(total(150, 25), null),
    tokenCount(total(150, 25), null),
    tokenCount(total(20, 5), null),
    tokenCount(null, total(7, 3)),
  ]);
  expect(outputsOf(facts)).toEqual([10, 15, 5, 3]);
});

test("states no more cache than input", () => {
  const facts = readAll([tokenCount(null, { input_tokens: 10, cached_input_tokens: 50, output_tokens: 1 })]);
  const [fact] = facts;
  expect(fact?.fact === "response" && fact.response.usage).toMatchObject({
    input: 0,
    cache_read: 10,
    output: 1,
  });
});

test("ties messages to the response whose usage follows them, and calls that ran to the one before", () => {
  const usage = (response_id: string) => ({
    type: "token_usage_record",
    payload: { thread_id: "t", response_id, usage: { input_tokens: 1, output_tokens: 1 } },
  });
  const said = (text: string) => ({
    type: "response_item",
    payload: { type: "message", role: "assistant", content: [{ type: "output_text", text }] },
  });
  const run = (id: string) => ({
    type: "event_msg",
    payload: { type: "item_completed", item: { type: "CommandExecution", id, command: ["ls"] } },
  });
  const turn = (turn_id: string) => ({ type: "turn_context", payload: { turn_id } });
  const records = [
    ...[turn("1"), said("a"), said("b"), usage("r1"), run("c1")],
    ...[usage("r2"), run("c2"), run("c3"), usage("r3"), said("c"), said("not answered")],
    ...[turn("2"), said("d"), usage("r4")],
  ];
  const shown = readAll(records).flatMap((fact) => {
    if (fact.fact === "answered") return [`answered ${fact.response_key}`];
    if (fact.fact !== "message") return [];
    const { kind, blocks, response_key } = fact.message;
    return [`${kind} ${blocks[0]?.text ?? blocks[0]?.call_id ?? ""} ${response_key}`];
  });
  expect(shown).toEqual([
    ...["assistant a null", "assistant b null", "answered t/r1", "assistant c1 t/r1"],
    ...["system  t/r2", "assistant c2 t/r2", "assistant c3 t/r2"],
    ...["system  t/r3", "assistant c t/r3", "assistant not answered null"],
    ...["answered null", "assistant d null", "answered t/r4"],
  ]);
});

test.each<[string, JsonObject, object]>([
  [
    "JSON",
    { output: '{"output":"a\\n","metadata":{"exit_code":2}}' },
    { text: "a\n", is_error: true, exit_code: 2 },
  ],
  [
    "JSON of success",
    { output: '{"output":"a","metadata":{"exit_code":0}}' },
    { text: "a", is_error: false, exit_code: 0 },
  ],
  ["text", { output: "Exit code: 2\nWall time: 0 seconds\nOutput:\na" }, { is_error: true }],
  ["text of success", { output: "Exit code: 0\nWall time: 0 seconds\nOutput:\na" }, { is_error: false }],
  ["parts", { output: [{ type: "input_text", text: "Exit code: 3\nOutput:\na" }] }, { is_error: true }],
  ["unknown", { output: "Exit codes: 3" }, { text: "Exit codes: 3", is_error: false, exit_code: null }],
  ["nothing", {}, { text: null, is_error: false, exit_code: null }],
])("reads the outcome of a call from an output as %s", (_, output, expected) => {
  const payload = { type: "function_call_output", call_id: "c", ...output };
  const [fact] = readAll([{ type: "response_item", payload }]);
  expect(fact?.fact === "message" && fact.message.blocks).toMatchObject([expected]);
});

test.each([{ exit_code: 2 }, { exitCode: 2 }])("reads the exit code of a command that ran: %o", (item) => {
  const completed = {
    type: "item_completed",
    item: { type: "commandExecution", id: "c", command: ["make"], ...item },
  };
  const [fact] = readAll([{ type: "event_msg", payload: completed }]);
  expect(fact?.fact === "message" && fact.message.blocks[1]).toMatchObject({ is_error: true, exit_code: 2 });
});

test("keeps a rolled back turn's tokens, and marks it as out of view", () => {
  const facts = readAll([
    tokenCount(null, { input_tokens: 10, output_tokens: 4 }),
    { type: "event_msg", payload: { type: "thread_rolled_back", num_turns: 2 } },
  ]);
  expect(outputsOf(facts)).toEqual([4]);
  expect(facts).toContainEqual({ fact: "rewind", from_key: null, turns: 2 });
});

test("reads odd records without an error, and counts unknown types", () => {
  for (const type of [
    "session_meta",
    "turn_context",
    "response_item",
    "event_msg",
    "compacted",
    "token_usage_record",
  ]) {
    for (const payload of [
      {},
      { type: 1 },
      { type: "message", content: [1] },
      { info: [], usage: 1, item: 2 },
    ])
      expect(() =>
        readAll([
          { type, payload },
          { type, payload },
        ]),
      ).not.toThrow();
  }
  expect(readAll([{ type: "hologram", payload: {} }])).toEqual([{ fact: "unknown", type: "hologram" }]);
});
