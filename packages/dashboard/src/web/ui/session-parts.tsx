import type { Session } from "@wharf/protocol";
import type { JSX } from "preact";
import { shownState } from "../format/live-states.ts";
import { Badge } from "./parts.tsx";

const AGENT_NAMES: Readonly<Record<string, string>> = {
  "claude-code": "Claude Code",
  codex: "Codex",
  "gemini-cli": "Gemini CLI",
  opencode: "opencode",
};

/** Those that filters offer. */
export const AGENTS: readonly string[] = Object.keys(AGENT_NAMES);

export function agentName(agent: string | null): string {
  return agent === null
    ? "unknown agent"
    : ((Object.hasOwn(AGENT_NAMES, agent) ? AGENT_NAMES[agent] : undefined) ?? agent);
}

const UNASSOCIATED = "_unassociated";

/** The name of a repository for people. */
export function repositoryName(name: string): string {
  return name === UNASSOCIATED ? "no repository" : name;
}

/** Never empty: the title, the first prompt, or the id. */
export function titleOf({ title, initial_prompt, id }: Session): string {
  return title ?? initial_prompt ?? `Session ${id.slice(0, 8)}`;
}

export function sessionHref(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}

export function StateBadge({ session }: { session: Session }): JSX.Element | null {
  if (session.live_state === null) return null;
  const { text, tone } = shownState(session.live_state);
  return <Badge tone={tone}>{text}</Badge>;
}
