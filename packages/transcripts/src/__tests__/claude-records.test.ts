import { expect, test } from "bun:test";
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
