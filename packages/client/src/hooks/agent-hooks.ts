import { join } from "node:path";
import type { Environment } from "../cli/environment.ts";
import { quoted } from "../served/shell.ts";
import type { ScriptName } from "./render-scripts.ts";

export type AgentHook = { event: string; script: ScriptName; matcher?: string };
/** A settings file of an agent, and what belongs into it. */
export type AgentSettings = {
  agent: "claude-code" | "codex";
  root: string;
  file: string;
  hooks: readonly AgentHook[];
};

const EDITS_AND_COMMANDS = "Bash|Edit|MultiEdit|Write|NotebookEdit";
const same = (script: ScriptName, events: readonly string[]) => events.map((event) => ({ event, script }));

const CLAUDE_CODE: readonly AgentHook[] = [
  { event: "SessionStart", script: "claude-code-start.sh" },
  ...same("claude-code.sh", ["SessionEnd", "UserPromptSubmit", "Stop", "Notification", "PermissionRequest"]),
  { event: "PostToolUse", script: "claude-code.sh", matcher: EDITS_AND_COMMANDS },
  ...same("claude-code.sh", ["SubagentStart", "SubagentStop", "PreCompact", "CwdChanged"]),
];
const CODEX = same("codex.sh", [
  "SessionStart",
  "UserPromptSubmit",
  "PermissionRequest",
  "PostToolUse",
  "PreCompact",
  "Stop",
]);

/** In the commands of our hooks, by which they are found again. */
const MARK = "# wharf";
/** Ours take milliseconds. SessionEnd of Claude Code waits for the longest of all hooks. */
const TIMEOUT_S = 5;

/** The settings files of this user's agents, whether the agents are installed or not. */
export function agentSettings(environment: Environment, home: string): AgentSettings[] {
  const claude = new Set([join(home, ".claude"), ...listed(environment["CLAUDE_CONFIG_DIR"])]);
  const codex = environment["CODEX_HOME"] || join(home, ".codex");
  return [
    ...[...claude].map(
      (root) =>
        ({ agent: "claude-code", root, file: join(root, "settings.json"), hooks: CLAUDE_CODE }) as const,
    ),
    { agent: "codex", root: codex, file: join(codex, "hooks.json"), hooks: CODEX },
  ];
}

function listed(variable: string | undefined): string[] {
  return variable === undefined || variable === "" ? [] : [variable];
}

/** A missing script is no error of the agent: an exit code of 2 would stop its work. */
export function hookGroup({ script, matcher }: AgentHook, directory: string): object {
  const path = quoted(join(directory, script));
  const command = `[ ! -x ${path} ] || ${path} ${MARK}`;
  return {
    ...(matcher === undefined ? {} : { matcher }),
    hooks: [{ type: "command", command, timeout: TIMEOUT_S }],
  };
}

/** A group of which all hooks are ours. */
export function isOurGroup(group: unknown): boolean {
  if (typeof group !== "object" || group === null || !("hooks" in group) || !Array.isArray(group.hooks))
    return false;
  return group.hooks.length > 0 && group.hooks.every(isOurHook);
}

function isOurHook(hook: unknown): boolean {
  if (typeof hook !== "object" || hook === null || !("command" in hook)) return false;
  return typeof hook.command === "string" && hook.command.endsWith(` ${MARK}`);
}
