/** A file as the agent writes it; `file` is its path below the session's directory. */
export type DemoFile = { file: string; kind: "main" | "subagent" | "meta"; text: string };

/** About four characters are a token. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

/** What the agent sends before the first prompt: instructions and tools. */
export const SYSTEM_TOKENS = 14_000;
