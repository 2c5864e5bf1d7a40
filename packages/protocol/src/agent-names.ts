/** Agents by the names that people know. This module has no dependency, as state-words.ts. */
export const AGENT_NAMES: Readonly<Record<string, string>> = {
  "claude-code": "Claude Code",
  codex: "Codex",
  "gemini-cli": "Gemini CLI",
  opencode: "opencode",
};

/** An agent that is not known by its identifier. */
export function agentName(agent: string | null): string {
  return agent === null
    ? "unknown agent"
    : ((Object.hasOwn(AGENT_NAMES, agent) ? AGENT_NAMES[agent] : undefined) ?? agent);
}
