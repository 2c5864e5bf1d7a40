import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import type { OutlinePrompt, TranscriptPage } from "@wharf/protocol";
import { topMessage, useTopMessage } from "./places.ts";
import type { Transcript } from "./transcript.ts";

/** The prompt that is answered at the top of the window: a signal, as a scroll must not render the page. */
export function useCurrentPrompt(
  { pages }: Transcript,
  prompts: readonly OutlinePrompt[],
): ReadonlySignal<OutlinePrompt | null> {
  const shown = useSignal(pages);
  const known = useSignal(prompts);
  shown.value = pages;
  known.value = prompts;
  useTopMessage();
  return useComputed(() => promptAt(topMessage.value, shown.value.value ?? [], known.value));
}

/** The prompt that a message answers: the nearest one before it on the pages, or by time where they begin behind it. */
function promptAt(
  messageId: string | null,
  pages: readonly TranscriptPage[],
  prompts: readonly OutlinePrompt[],
): OutlinePrompt | null {
  if (messageId === null) return null;
  const known = new Map(prompts.map((prompt) => [prompt.message_id, prompt]));
  let time: string | null = null;
  let isBefore = false;
  for (const { messages } of pages.toReversed()) {
    for (const { id, timestamp } of messages.toReversed()) {
      if (id === messageId) {
        isBefore = true;
        time = timestamp;
      }
      const prompt = isBefore ? known.get(id) : undefined;
      if (prompt !== undefined) return prompt;
    }
  }
  const at = time;
  return at === null ? null : (prompts.findLast((prompt) => prompt.at !== null && prompt.at <= at) ?? null);
}
