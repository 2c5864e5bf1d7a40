import { describe, expect, test } from "bun:test";
import { claudeCode, type Fact, type JsonValue } from "../index.ts";

function messageOf(record: Record<string, JsonValue>) {
  const state = claudeCode.begin({ session_id: "s", file: "s.jsonl" });
  const facts: Fact[] = claudeCode.read(state, { uuid: "u", ...record }, 1);
  const fact = facts.find(({ fact }) => fact === "message");
  return fact?.fact === "message" ? fact.message : null;
}

function kindOf(content: JsonValue, more: Record<string, JsonValue> = {}) {
  const message = messageOf({ type: "user", message: { role: "user", content }, ...more });
  return [message?.kind, message?.blocks.flatMap(({ text }) => text ?? []).join("|")];
}

test.each([
  ["<Button> is broken", "prompt", "<Button> is broken"],
  ["<ide_selection>a</ide_selection>\n<ide_opened_file>b</ide_opened_file>\nGo", "prompt", "Go"],
  ["<ide_opened_file>never closed", "prompt", "<ide_opened_file>never closed"],
  ["<command-message>x</command-message><command-name>/x</command-name>", "command", "/x"],
  ["<bash-input>ls", "shell_command", "ls"],
  [
    "[Request interrupted by user for tool use]",
    "interruption",
    "[Request interrupted by user for tool use]",
  ],
  [
    "<local-command-stdout>x</local-command-stdout>",
    "context",
    "<local-command-stdout>x</local-command-stdout>",
  ],
  ["  ", "context", "  "],
] as const)("reads %j as %s", (content, kind, text) => {
  expect(kindOf(content)).toEqual([kind, text]);
});

test("takes a prompt that was typed while the agent worked from the attachment", () => {
  const attachment = { type: "queued_command", prompt: "and the tests", commandMode: "prompt" };
  expect(messageOf({ type: "attachment", attachment })?.kind).toBe("prompt");
  const notice = { type: "queued_command", prompt: "<task-notification>done</task-notification>" };
  expect(messageOf({ type: "attachment", attachment: notice })?.kind).toBe("context");
  expect(messageOf({ type: "attachment", attachment: { type: "file", content: "x" } })?.kind).toBe("context");
});

test("reads odd records without an error", () => {
  const odd: JsonValue[] = [null, 1, [], {}, [null, 1, "x", {}, { type: 1 }, { type: "tool_use" }]];
  for (const type of [
    "user",
    "assistant",
    "system",
    "attachment",
    "cost-state",
    "pr-link",
    "started",
    "",
    "new",
  ]) {
    for (const value of odd) {
      const record = { type, message: { content: value, usage: value }, content: value, attachment: value };
      const state = claudeCode.begin({ session_id: "s", file: "s.jsonl" });
      const more = { modelUsage: value, forkedFrom: value, origin: value, toolUseResult: value };
      expect(() => claudeCode.read(state, { ...record, ...more }, 1)).not.toThrow();
      expect(() => claudeCode.read(state, { ...more, type, message: value }, 2)).not.toThrow();
    }
  }
});

test("counts records of unknown types by their name", () => {
  const state = claudeCode.begin({ session_id: "s", file: "s.jsonl" });
  expect(claudeCode.read(state, { type: "hologram" }, 1)).toEqual([{ fact: "unknown", type: "hologram" }]);
  expect(claudeCode.read(state, { type: "permission-mode" }, 2)).toEqual([]);
});

test("takes no file name from a spilled output but the last part of its path", () => {
  const spill = (path: string) =>
    messageOf({
      type: "user",
      message: { content: [{ type: "tool_result", tool_use_id: "t", content: "x" }] },
      toolUseResult: { persistedOutputPath: path, persistedOutputSize: 5 },
    })?.blocks[0]?.spilled;
  expect(spill("/etc/../etc/passwd")).toEqual({ file: "tool-results/passwd", bytes: 5 });
  expect(spill("C:\\x\\y.txt")).toEqual({ file: "tool-results/y.txt", bytes: 5 });
  for (const path of ["/x/..", "/x/", ""]) expect(spill(path)).toBeNull();
});

test("takes no negative total as the cost that the agent states", () => {
  const state = claudeCode.begin({ session_id: "s", file: "s.jsonl" });
  const costs = [-1, 0, 1.5].flatMap((totalCostUSD, line) =>
    claudeCode
      .read(state, { type: "cost-state", totalCostUSD }, line + 1)
      .flatMap((fact) => (fact.fact === "reported_cost" ? [fact.cost_usd] : [])),
  );
  expect(costs).toEqual([null, 0, 1.5]);
});

describe("a rewind", () => {
  const user = (uuid: string, parentUuid: string | null, content: JsonValue = uuid) => ({
    ...{ type: "user", uuid, parentUuid, message: { role: "user", content } },
  });
  const assistant = (uuid: string, parentUuid: string) => ({
    ...{
      type: "assistant",
      uuid,
      parentUuid,
      message: { id: uuid, content: [{ type: "text", text: uuid }] },
    },
  });
  const result = (uuid: string, parentUuid: string) =>
    user(uuid, parentUuid, [{ type: "tool_result", tool_use_id: uuid, content: "x" }]);
  const note = (uuid: string, parentUuid: string) => ({
    type: "system",
    subtype: "turn_duration",
    uuid,
    parentUuid,
  });
  const queued = (uuid: string, parentUuid: string) => ({
    ...{ type: "attachment", uuid, parentUuid, attachment: { type: "queued_command", prompt: uuid } },
  });

  function rewindsOf(records: Record<string, JsonValue>[]): (string | null)[] {
    const state = claudeCode.begin({ session_id: "s", file: "s.jsonl" });
    return records
      .flatMap((record, index) => claudeCode.read(state, record, index + 1))
      .flatMap((fact) => (fact.fact === "rewind" ? [fact.from_key] : []));
  }

  const beginning = [user("p1", null), assistant("a1", "p1"), user("p2", "a1"), assistant("a2", "p2")];

  test("is a second prompt behind the same message, by itself or by notes behind it", () => {
    expect(rewindsOf([...beginning, user("p3", "a1")])).toEqual(["p2"]);
    expect(rewindsOf([...beginning, user("p3", "a1"), assistant("a3", "p3"), user("p4", "a1")])).toEqual([
      "p2",
      "p2",
    ]);
    const noted = [
      user("p1", null),
      assistant("a1", "p1"),
      note("n1", "a1"),
      user("p2", "n1"),
      user("p3", "a1"),
    ];
    expect(rewindsOf(noted)).toEqual(["p2"]);
    const command = "<command-name>/clear-all</command-name>";
    expect(rewindsOf([...beginning, user("c", "a1", command)])).toEqual(["p2"]);
  });

  test("is none of records that have several children or the like otherwise", () => {
    const calls = [assistant("a3", "a2"), result("r1", "a2"), result("r2", "a3"), queued("q1", "a1")];
    expect(rewindsOf([...beginning, ...calls, user("p3", "r2")])).toEqual([]);
    expect(rewindsOf([...beginning, user("p2", "a1")])).toEqual([]);
    expect(rewindsOf([...beginning, user("p3", null), user("p4", null)])).toEqual([]);
    expect(rewindsOf([...beginning, note("n1", "n1"), user("p3", "n1"), user("p4", "missing")])).toEqual([]);
    expect(rewindsOf([user("p1", "__proto__"), user("p2", "constructor")])).toEqual([]);
    const sidechain = { ...user("p3", "a1"), isSidechain: true };
    expect(rewindsOf([...beginning, sidechain])).toEqual([]);
    const command = "<command-name>/model</command-name>";
    expect(rewindsOf([...beginning, user("c", "a2", command), user("p3", "a2")])).toEqual([]);
  });

  test("is found among a bounded number of prompts", () => {
    const many = Array.from({ length: 300 }, (_, n) => user(`p${n + 1}`, `p${n}`));
    expect(rewindsOf([...many, user("x", "p299"), user("y", "p0")])).toEqual(["p300"]);
    const state = claudeCode.begin({ session_id: "s", file: "s.jsonl" });
    for (const [index, record] of many.entries()) claudeCode.read(state, record, index + 1);
    expect(JSON.stringify(state).length).toBeLessThan(10_000);
  });
});
