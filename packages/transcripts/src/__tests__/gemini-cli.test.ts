import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { type Fact, geminiCli, type JsonObject } from "../index.ts";
import { describeSession } from "./describe-session.ts";
import { countHome, textOf } from "./hub.ts";
import { CASES, casesOf, type Expected, readTranscript } from "./read-file.ts";

describe("Gemini CLI", () => {
  for (const folder of casesOf(".gemini")) {
    test(`reads ${folder} as expected, cut into parts anywhere`, async () => {
      const home = join(CASES, folder);
      const expected: Expected = await Bun.file(join(home, "expected.json")).json();
      const [wanted = { id: "" }] = expected.sessions;
      const [path = ""] = new Glob("home/.gemini/tmp/*/chats/*.jsonl").scanSync({ cwd: home, dot: true });
      for (const part_bytes of [1, 83, 1_000_000]) {
        const file = { session_id: wanted.id, file: "chat.jsonl" };
        const read = await readTranscript(geminiCli, join(home, path), file, part_bytes);
        const [session] = countHome([read]);
        if (session === undefined) throw new Error("the session is missing");
        const { active_prompts, ...values }: Record<string, unknown> = wanted;
        expect(describeSession(session, [])).toMatchObject(values);
        expect(read.lines).toMatchObject(expected.lines[path] ?? { total: -1 });
        expect(activePrompts(read.facts)).toEqual(active_prompts);
      }
    });
  }
});

/** The prompts that are in view after all rewinds. */
function activePrompts(facts: Fact[]): unknown {
  const shown: { key: string; text: string }[] = [];
  for (const fact of facts) {
    if (fact.fact === "rewind") {
      const from = shown.findIndex(({ key }) => key === fact.from_key);
      shown.splice(from === -1 ? shown.length : from);
    } else if (fact.fact === "message" && fact.message.kind === "prompt")
      shown.push({ key: fact.message.key, text: textOf(fact.message) });
  }
  return shown.map(({ text }) => text);
}

function readAll(records: JsonObject[]): Fact[] {
  const state = geminiCli.begin({ session_id: "s", file: "chat.jsonl" });
  return records.flatMap((record, index) => geminiCli.read(state, record, index + 1));
}

test("reads the one JSON file of older versions like the lines of newer ones", () => {
  const tokens = { input: 10, output: 4, cached: 6, thoughts: 2, tool: 1 };
  const messages = [
    { id: "a", type: "user", content: "Hello", timestamp: "2026-01-01T00:00:00.000Z" },
    { id: "b", type: "gemini", content: "Hi", model: "gemini-3-pro", tokens },
  ];
  const facts = geminiCli.readMeta?.("session-1.json", { sessionId: "s", messages }) ?? [];
  expect(facts).toEqual(readAll([{ sessionId: "s" }, ...messages]));
  const [response] = facts.flatMap((fact) => (fact.fact === "response" ? [fact.response] : []));
  expect(response).toMatchObject({ key: "s/b", usage: { input: 5, output: 6, cache_read: 6, reasoning: 2 } });
});

test("takes all messages out of view when a change replaces them", () => {
  const facts = readAll([
    { id: "a", type: "user", content: "One" },
    { $set: { messages: [{ id: "b", type: "user", content: "Two" }] } },
  ]);
  expect(facts.map(({ fact }) => fact)).toEqual(["message", "rewind", "message"]);
});

test("reads odd records without an error, and counts unknown types", () => {
  for (const value of [null, 1, "x", [], [1, null], {}, [{}]]) {
    for (const type of ["user", "gemini", "error", 7])
      expect(() =>
        readAll([{ id: "a", type, content: value, toolCalls: value, thoughts: value, tokens: value }]),
      ).not.toThrow();
    expect(() => readAll([{ $set: value }, { $rewindTo: value }])).not.toThrow();
  }
  expect(readAll([{ id: "a", type: "hologram" }])).toEqual([{ fact: "unknown", type: "hologram" }]);
});
