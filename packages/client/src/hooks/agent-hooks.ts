import { basename, extname, join } from "node:path";
import type { Agent } from "@wharf/protocol/agent-names";
import type { Environment } from "../cli/environment.ts";
import { quoted } from "../served/shell.ts";
import type { ScriptName } from "./render-scripts.ts";

/** `timeout`: in the agent's unit. */
export type AgentHook = { event: string; script: ScriptName; matcher?: string; timeout?: number };
/** A settings file of an agent. `hooks`: none in TOML, which names the program that Codex notifies, and in a plugin of opencode. */
export type AgentSettings = {
  agent: Agent;
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
  "SessionEnd",
  "UserPromptSubmit",
  "PermissionRequest",
  "PostToolUse",
  "SubagentStart",
  "SubagentStop",
  "PreCompact",
  "Stop",
  "Interrupt",
]);
const GEMINI_TIMEOUT_MS = 5_000;
const GEMINI_EDITS_AND_COMMANDS = "run_shell_command|write_file|replace";
const GEMINI = [
  ...same("gemini-cli.sh", ["SessionStart", "SessionEnd", "BeforeAgent", "AfterAgent"]),
  { event: "AfterTool", script: "gemini-cli.sh", matcher: GEMINI_EDITS_AND_COMMANDS } as const,
  ...same("gemini-cli.sh", ["Notification", "PreCompress"]),
].map((hook) => ({ ...hook, timeout: GEMINI_TIMEOUT_MS }));

/** In the commands of our hooks, by which they are found again. */
const MARK = "# wharf";
/** Ours take milliseconds. SessionEnd of Claude Code waits for the longest of all hooks. */
const TIMEOUT_S = 5;

/** The settings files of this user's agents, whether the agents are installed or not. */
export function agentSettings(environment: Environment, home: string): AgentSettings[] {
  const claude = new Set([join(home, ".claude"), ...listed(environment["CLAUDE_CONFIG_DIR"])]);
  const codex = environment["CODEX_HOME"] || join(home, ".codex");
  const gemini = join(home, ".gemini");
  const opencode = join(environment["XDG_CONFIG_HOME"] || join(home, ".config"), "opencode");
  const inFile = (agent: AgentSettings["agent"], root: string, name: string, hooks: readonly AgentHook[]) => {
    return { agent, root, file: join(root, name), hooks };
  };
  return [
    ...[...claude].map((root) => inFile("claude-code", root, "settings.json", CLAUDE_CODE)),
    inFile("codex", codex, "hooks.json", CODEX),
    { agent: "codex", root: codex, file: join(codex, "config.toml"), hooks: [] },
    inFile("gemini-cli", gemini, "settings.json", GEMINI),
    inFile("opencode", opencode, "plugins/wharf.js", []),
  ];
}

export type SettingsFormat = "json" | "toml" | "plugin" | "git";

const FORMATS: Readonly<Record<string, SettingsFormat>> = {
  ".json": "json",
  ".toml": "toml",
  ".js": "plugin",
};

/** Settings of agents have the ending of their format; the configuration of git has none of these. */
export function formatOf(file: string): SettingsFormat {
  const ending = extname(file);
  return FORMATS[ending] ?? "git";
}

/** Of which program a settings file is, by its name. */
export function agentOf(file: string): string {
  const format = formatOf(file);
  if (format === "git") return "git";
  if (format === "plugin") return "opencode";
  return basename(file) === "settings.json" ? "claude-code" : "codex";
}

function listed(variable: string | undefined): string[] {
  return variable === undefined || variable === "" ? [] : [variable];
}

/** A missing script is no error of the agent: an exit code of 2 would stop its work. */
export function hookGroup({ script, matcher, timeout = TIMEOUT_S }: AgentHook, directory: string): object {
  const path = quoted(join(directory, script));
  const command = `[ ! -x ${path} ] || ${path} ${MARK}`;
  return {
    ...(matcher === undefined ? {} : { matcher }),
    hooks: [{ type: "command", command, timeout }],
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
