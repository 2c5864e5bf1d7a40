import { quoted } from "../served/shell.ts";
import claudeCode from "./scripts/claude-code.sh" with { type: "text" };
import claudeCodeStart from "./scripts/claude-code-start.sh" with { type: "text" };
import codex from "./scripts/codex.sh" with { type: "text" };
import codexNotify from "./scripts/codex-notify.sh" with { type: "text" };
import geminiCli from "./scripts/gemini-cli.sh" with { type: "text" };
import git from "./scripts/git.sh" with { type: "text" };
import opencode from "./scripts/opencode.sh" with { type: "text" };
import spool from "./scripts/spool.sh" with { type: "text" };

export type ScriptPlaces = {
  /** Directory with the spool. */
  data: string;
  /** The `wharf` program, which starts the sender. */
  command: string;
};

const MAINS = {
  "claude-code.sh": claudeCode,
  "claude-code-start.sh": claudeCodeStart,
  "codex.sh": codex,
  "codex-notify.sh": codexNotify,
  "gemini-cli.sh": geminiCli,
  "opencode.sh": opencode,
  "git.sh": git,
} as const;
export type ScriptName = keyof typeof MAINS;
export const SCRIPT_NAMES: readonly string[] = Object.keys(MAINS);

/** The hook scripts by their file names, for POSIX sh. */
export function renderScripts({ data, command }: ScriptPlaces): Map<string, string> {
  const shared = spool.replace("@DATA@", () => quoted(data)).replace("@COMMAND@", () => quoted(command));
  return new Map(Object.entries(MAINS).map(([name, main]) => [name, `#!/bin/sh\n${shared}\n${main}`]));
}
