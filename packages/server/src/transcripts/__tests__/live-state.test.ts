import { describe, expect, test } from "bun:test";
import { IDLE_MS, type LiveFacts, liveStateOf, STALE_CALL_MS } from "../live-state.ts";

const NOW = Date.UTC(2025, 2, 14, 12);
const MINUTE = 60_000;
const NOTHING: LiveFacts = {
  ...{ ended_ms: null, end_reason: null, ended_by_server: false },
  ...{ event: null, message: null, open_calls: [], last_ms: null },
};

/** Minutes before now. */
const ago = (minutes: number) => NOW - minutes * MINUTE;
const event = (type: string, minutes: number, reason: string | null = null) => ({
  type,
  at_ms: ago(minutes),
  reason,
});
const message = (kind: string, minutes: number, has_tool_use = false) => ({
  kind,
  at_ms: ago(minutes),
  has_tool_use,
});
const call = (tool: string, minutes: number) => ({ tool, at_ms: ago(minutes) });
const state = (facts: Partial<LiveFacts>) => {
  const live = liveStateOf({ ...NOTHING, ...facts }, NOW);
  return live === null ? null : [live.state, live.reason, (NOW - live.since_ms) / MINUTE];
};

describe("the live state", () => {
  test("is unknown without a sign", () => {
    expect(state({})).toBeNull();
    expect(state({ event: event("git.commit", 1) })).toBeNull();
  });

  test.each([
    ["session.start", null, ["idle", "started", 1]],
    ["agent.prompt", null, ["working", "prompt", 1]],
    ["agent.tool", null, ["working", "tool", 1]],
    ["agent.turn_end", null, ["turn_done", "turn_end", 1]],
    ["agent.waiting", "permission", ["needs_input", "permission", 1]],
    ["agent.waiting", "question", ["needs_input", "question", 1]],
    ["agent.waiting", "plan", ["needs_input", "plan", 1]],
    ["agent.waiting", "idle", ["idle", "waiting", 1]],
    ["agent.waiting", "of a newer client", ["idle", "waiting", 1]],
  ])("follows the event %s (%p)", (type, reason, expected) => {
    expect(state({ event: event(type, 1, reason) })).toEqual(expected);
  });

  test.each([
    [message("prompt", 2), ["working", "prompt", 2]],
    [message("command", 2), ["working", "prompt", 2]],
    [message("tool_result", 2), ["working", "tool", 2]],
    [message("assistant", 2, true), ["working", "call", 2]],
    [message("assistant", 2), ["turn_done", "answer", 2]],
    [message("interruption", 2), ["turn_done", "interrupted", 2]],
    [message("shell_command", 2), ["turn_done", "shell_command", 2]],
  ])("follows the message %p", (last, expected) => {
    expect(state({ message: last })).toEqual(expected);
  });

  test("follows the later of event and message, in any order of arrival", () => {
    expect(
      state({ event: event("agent.waiting", 2, "permission"), message: message("tool_result", 1) }),
    ).toEqual(["working", "tool", 1]);
    expect(state({ event: event("agent.turn_end", 1), message: message("assistant", 2, true) })?.[0]).toBe(
      "turn_done",
    );
    expect(state({ event: event("agent.turn_end", 1), message: message("tool_result", 1) })?.[0]).toBe(
      "turn_done",
    );
  });

  test("needs input while a question or a plan has no answer", () => {
    const asked = message("assistant", 40, true);
    expect(state({ message: asked, open_calls: [call("AskUserQuestion", 40)] })).toEqual([
      "needs_input",
      "question",
      40,
    ]);
    expect(state({ message: asked, open_calls: [call("ExitPlanMode", 40)] })).toEqual([
      "needs_input",
      "plan",
      40,
    ]);
    expect(state({ message: message("tool_result", 3) })?.[0]).toBe("working");
  });

  test("is a stale call ten minutes after the last sign of a call without result", () => {
    const minutes = STALE_CALL_MS / MINUTE;
    const calling = (since: number) => ({
      message: message("assistant", since, true),
      open_calls: [call("Bash", since)],
    });
    expect(state(calling(minutes - 0.1))?.[0]).toBe("working");
    expect(state(calling(minutes))).toEqual(["stale_call", "Bash", 0]);
    expect(state(calling(minutes + 5))).toEqual(["stale_call", "Bash", 5]);
    expect(state({ ...calling(minutes + 5), last_ms: ago(1) })?.[0]).toBe("working");
    expect(state({ ...calling(minutes + 5), event: event("agent.turn_end", 1) })?.[0]).toBe("turn_done");
  });

  test("is idle half an hour after the last sign", () => {
    const minutes = IDLE_MS / MINUTE;
    expect(state({ message: message("assistant", minutes - 1) })?.[0]).toBe("turn_done");
    expect(state({ message: message("assistant", minutes + 1) })).toEqual(["idle", "answer", 1]);
    expect(state({ event: event("agent.prompt", minutes + 1) })).toEqual(["idle", "prompt", 1]);
    expect(state({ event: event("agent.waiting", 100, "permission") })?.[0]).toBe("needs_input");
  });

  test("is ended by the end of the session, also when its last rows are a little later", () => {
    const end = { ended_ms: ago(5), end_reason: "exit" };
    expect(state({ ...end, message: message("assistant", 6) })).toEqual(["ended", "exit", 5]);
    expect(state({ ...end, message: message("assistant", 4.5) })).toEqual(["ended", "exit", 5]);
    expect(state({ ...end, message: message("prompt", 3) })).toEqual(["working", "prompt", 3]);
    expect(state({ ...end, end_reason: null })).toEqual(["ended", "other", 5]);
    expect(state({ ...end, end_reason: "crash" })).toEqual(["unclean", "crash", 5]);
  });

  test("is unclean when a session fell silent while it worked or waited for a person", () => {
    const silent = { ended_ms: ago(5), end_reason: "crash", ended_by_server: true };
    expect(state({ ...silent, message: message("assistant", 200, true) })).toEqual(["unclean", "silent", 5]);
    expect(state({ ...silent, event: event("agent.waiting", 200, "plan") })).toEqual([
      "unclean",
      "silent",
      5,
    ]);
    expect(state({ ...silent, message: message("assistant", 200) })).toEqual(["ended", "silent", 5]);
    expect(state(silent)).toEqual(["ended", "silent", 5]);
  });
});
