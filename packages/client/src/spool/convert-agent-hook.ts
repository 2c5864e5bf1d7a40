import {
  describeCall,
  exitCodeOf,
  isObject,
  type JsonObject,
  type JsonValue,
  number,
  text,
} from "@wharf/transcripts";
import type { EventBody } from "../git/convert-git-hook.ts";
import { type HookFile, UnreadableHookError } from "./read-hook-file.ts";
import { cutText } from "./texts.ts";

const BYTE_ORDER_MARK = "\uFEFF";
const PATHS_MAX = 200;
/** What a permission is asked for, by tools that ask a person something else. */
const QUESTIONS: Readonly<Record<string, string>> = { AskUserQuestion: "question", ExitPlanMode: "plan" };

/** The hook's standard input as an object. Throws UnreadableHookError. */
export function readAgentInput({ input }: HookFile): JsonObject {
  const json = input.toString("utf8").replace(BYTE_ORDER_MARK, "");
  if (json.trim() === "") throw new UnreadableHookError("the hook received no input");
  let value: JsonValue;
  try {
    value = JSON.parse(json);
  } catch {
    throw new UnreadableHookError("the hook's input is not JSON");
  }
  if (!isObject(value)) throw new UnreadableHookError("the hook's input is not a JSON object");
  return value;
}

type Context = { agent: string; git_remote: string | null; git_branch: string | null; session_id: string };
type Conversion = (input: JsonObject, context: Context) => EventBody | null;

/** By the name of the agent's hook; agents share names and fields. */
const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  SessionStart: (input, { agent, git_branch, git_remote, session_id }) => ({
    type: "session.start",
    data: {
      cc_session_id: session_id,
      agent,
      cwd: text(input, "cwd") ?? "",
      source: text(input, "source") ?? "other",
      model: text(input, "model"),
      git_branch,
      git_remote,
      transcript_path: text(input, "transcript_path"),
    },
  }),
  SessionEnd: (input, { session_id }) => ({
    type: "session.end",
    data: {
      cc_session_id: session_id,
      // The hub computes it from the start.
      duration_ms: 0,
      end_reason: text(input, "reason") ?? "other",
      transcript_path: text(input, "transcript_path"),
      cwd: text(input, "cwd"),
    },
  }),
  UserPromptSubmit: promptEvent,
  Stop: turnEnd,
  Interrupt: () => ({ type: "agent.turn_end", data: { reason: "interrupt" } }),
  Notification: (input) => {
    const reason = notified(input);
    return reason === null ? null : { type: "agent.waiting", data: { reason } };
  },
  PermissionRequest: (input) => {
    const tool = text(input, "tool_name");
    return { type: "agent.waiting", data: { reason: QUESTIONS[tool ?? ""] ?? "permission", tool } };
  },
  PostToolUse: toolEvent,
  SubagentStart: (input, { session_id }) => subagentEvent("subagent.start", input, session_id),
  SubagentStop: (input, { session_id }) => subagentEvent("subagent.stop", input, session_id),
  PreCompact: compactEvent,
  CwdChanged: (input) => ({
    type: "agent.cwd",
    data: { cwd: text(input, "new_cwd") ?? text(input, "cwd") ?? "" },
  }),
  // Names of Gemini CLI.
  BeforeAgent: promptEvent,
  AfterAgent: turnEnd,
  AfterTool: toolEvent,
  PreCompress: compactEvent,
};

/** What Codex passes to the program that it notifies, as the hook that would tell the same. Null: it tells nothing else. */
export function readNotification(input: JsonObject): JsonObject | null {
  if (text(input, "type") !== "agent-turn-complete") return null;
  return { hook_event_name: "Stop", session_id: text(input, "thread-id"), cwd: text(input, "cwd") };
}

/** The event of an agent's hook; null for a hook that shows nothing. Throws UnreadableHookError. */
export function convertAgentHook(input: JsonObject, context: Omit<Context, "session_id">): EventBody | null {
  const session_id = text(input, "session_id");
  const name = text(input, "hook_event_name") ?? "";
  if (session_id === null || session_id === "")
    throw new UnreadableHookError("the hook's input names no session");
  const convert = Object.hasOwn(CONVERSIONS, name) ? CONVERSIONS[name] : undefined;
  return convert?.(input, { ...context, session_id }) ?? null;
}

function promptEvent(input: JsonObject): EventBody {
  return { type: "agent.prompt", data: { text: cutText(text(input, "prompt") ?? "") } };
}

function turnEnd(): EventBody {
  return { type: "agent.turn_end", data: { reason: "stop" } };
}

function compactEvent(input: JsonObject, { session_id }: Context): EventBody {
  const data = {
    cc_session_id: session_id,
    compact_sequence: 0,
    trigger: text(input, "trigger"),
    transcript_path: text(input, "transcript_path"),
  };
  return { type: "session.compact", data };
}

/** Why the agent waits; null for a note that asks for nothing. */
function notified(input: JsonObject): string | null {
  const type = text(input, "notification_type");
  if (type === "permission_prompt" || type === "ToolPermission") return "permission";
  if (type === "idle_prompt") return "idle";
  if (type !== null) return type.startsWith("elicitation") ? "question" : null;
  const message = text(input, "message") ?? "";
  if (/permission/i.test(message)) return "permission";
  return /waiting for your input/i.test(message) ? "idle" : null;
}

function toolEvent(input: JsonObject): EventBody {
  const tool = text(input, "tool_name");
  const { reads, writes, command } = describeCall(tool, input["tool_input"] ?? null);
  const paths = [...reads, ...writes.map(({ path }) => path)]
    .slice(0, PATHS_MAX)
    .map((path) => cutText(path, 1_000));
  const data = {
    tool,
    tool_use_id: text(input, "tool_use_id"),
    ...(paths.length === 0 ? {} : { paths }),
    ...(command === null ? {} : { command: cutText(command), exit_code: exitCode(input["tool_response"]) }),
    duration_ms: number(input, "duration_ms"),
  };
  return { type: "agent.tool", data };
}

function exitCode(response: JsonValue | undefined): number | null {
  if (typeof response === "string") return exitCodeOf(response);
  if (!isObject(response)) return null;
  const code = number(response, "exit_code") ?? number(response, "exitCode");
  return Number.isInteger(code) ? code : null;
}

function subagentEvent(type: string, input: JsonObject, session_id: string): EventBody | null {
  const agent_id = text(input, "agent_id");
  if (agent_id === null) return null;
  const agent_transcript_path = text(input, "agent_transcript_path");
  const data = { session_id, agent_id, agent_type: text(input, "agent_type") ?? "" };
  return { type, data: { ...data, ...(agent_transcript_path === null ? {} : { agent_transcript_path }) } };
}
