import { type ComponentType, createContext } from "preact";

export type SubagentProps = { sessionId: string; subagentId: string };

/** Shows a subagent's transcript within one. A context, as transcripts and calls contain each other. */
export const SubagentMessages = createContext<ComponentType<SubagentProps> | null>(null);
