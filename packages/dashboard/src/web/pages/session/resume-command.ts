import type { SessionDetail } from "@wharf/protocol";

const COMMANDS: Readonly<Record<string, (id: string) => string>> = {
  "claude-code": (id) => `claude --resume ${id}`,
  codex: (id) => `codex resume ${id}`,
  "gemini-cli": (id) => `gemini --resume ${id}`,
  opencode: (id) => `opencode --session ${id}`,
};

/** The command that continues a session on its device, in its directory; null for an agent without one. */
export function resumeCommand({
  id,
  agent,
  transcript,
}: Pick<SessionDetail, "id" | "agent" | "transcript">): string | null {
  const command = COMMANDS[agent ?? ""]?.(quoted(id));
  if (command === undefined) return null;
  const cwd = transcript?.place.cwd ?? null;
  return cwd === null ? command : `cd ${quoted(cwd)} && ${command}`;
}

/** As one word of a POSIX shell: ids and paths come from devices. */
function quoted(text: string): string {
  return /^[\w./@:+-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
