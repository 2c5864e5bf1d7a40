import type { Fact, Message } from "../contract.ts";
import type { ClaudeState } from "./parser.ts";

/** A message, and another one that stands for it or follows it. */
export type Link = readonly [key: string, other: string];

/** People go back a few prompts. Each is some 80 bytes of the state that is stored with each step. */
const LINKS_MAX = 200;
const TYPED: ReadonlySet<string> = new Set(["prompt", "command", "shell_command"]);

/**
 * A person who goes back to an earlier prompt and asks something else gives the message before it a second child: all from the first
 * one on is out of view. Other records have several children, too, such as parallel calls and their results, and are no rewind.
 * `isUserRecord`: not a prompt that was typed while the agent worked.
 */
export function readRewind(
  state: ClaudeState,
  { key, kind, parent_key, is_sidechain }: Message,
  isUserRecord: boolean,
): Fact[] {
  if (parent_key === null || is_sidechain) return [];
  const parent = otherOf(state.passed_over, parent_key) ?? parent_key;
  if (kind === "system" || kind === "context") state.passed_over = withLink(state.passed_over, [key, parent]);
  if (!isUserRecord || !TYPED.has(kind)) return [];
  const sibling = otherOf(state.prompts, parent);
  if (sibling === null && kind === "prompt") state.prompts = withLink(state.prompts, [parent, key]);
  return sibling === null || sibling === key ? [] : [{ fact: "rewind", from_key: sibling, turns: null }];
}

function otherOf(links: readonly Link[], wanted: string): string | null {
  return links.find(([key]) => key === wanted)?.[1] ?? null;
}

function withLink(links: readonly Link[], link: Link): Link[] {
  return [...links.slice(1 - LINKS_MAX), link];
}
