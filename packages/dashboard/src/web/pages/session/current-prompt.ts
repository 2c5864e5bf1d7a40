import type { OutlinePrompt, TranscriptPage } from "@wharf/protocol";

/** The prompt that a message answers: the nearest one before it on the pages, or by time where they begin behind it. */
export function promptAt(
  messageId: string | null,
  pages: readonly TranscriptPage[],
  prompts: readonly OutlinePrompt[],
): OutlinePrompt | null {
  if (messageId === null) return null;
  const messages = pages.flatMap((page) => page.messages);
  const at = messages.findIndex(({ id }) => id === messageId);
  const known = new Map(prompts.map((prompt) => [prompt.message_id, prompt]));
  const before = messages.slice(0, at + 1).findLast(({ id }) => known.has(id));
  if (before !== undefined) return known.get(before.id) ?? null;
  const time = messages[at]?.timestamp ?? null;
  return time === null
    ? null
    : (prompts.findLast((prompt) => prompt.at !== null && prompt.at <= time) ?? null);
}
