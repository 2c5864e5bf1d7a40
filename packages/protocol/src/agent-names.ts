/** The agents whose transcripts are read. This module has no dependency, as state-words.ts. */
export const AGENTS = ["claude-code", "codex", "gemini-cli", "opencode"] as const;
export type Agent = (typeof AGENTS)[number];

/** `name`: as people know it. `resume`: the command before the id of a session. */
const PROGRAMS: Readonly<Record<Agent, { name: string; resume: string }>> = {
  "claude-code": { name: "Claude Code", resume: "claude --resume" },
  codex: { name: "Codex", resume: "codex resume" },
  "gemini-cli": { name: "Gemini CLI", resume: "gemini --resume" },
  opencode: { name: "opencode", resume: "opencode --session" },
};

/** An agent that is not known by its identifier. */
export function agentName(agent: string | null): string {
  return programOf(agent)?.name ?? agent ?? "unknown agent";
}

/** The command that resumes a session; `id` is quoted for a shell. Null for an agent that is not known. */
export function resumeCommandOf(agent: string | null, id: string): string | null {
  const program = programOf(agent);
  return program === null ? null : `${program.resume} ${id}`;
}

function programOf(agent: string | null) {
  const known = AGENTS.find((one) => one === agent);
  return known === undefined ? null : PROGRAMS[known];
}
