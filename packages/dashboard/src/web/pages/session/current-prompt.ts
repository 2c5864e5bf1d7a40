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
  const answered = useComputed(() => answeredBy(shown.value.value ?? [], known.value));
  return useComputed(() => answered.value.get(topMessage.value ?? "") ?? null);
}

/** The prompt that each message answers: the nearest one before it on the pages, or by time where they begin behind it. */
function answeredBy(
  pages: readonly TranscriptPage[],
  prompts: readonly OutlinePrompt[],
): ReadonlyMap<string, OutlinePrompt> {
  const known = new Map(prompts.map((prompt) => [prompt.message_id, prompt]));
  const messages = pages.flatMap((page) => page.messages);
  const start = messages.find(({ timestamp }) => timestamp !== null)?.timestamp ?? null;
  let prompt = prompts.findLast(({ at }) => at !== null && start !== null && at <= start);
  const answered = new Map<string, OutlinePrompt>();
  for (const { id } of messages) {
    prompt = known.get(id) ?? prompt;
    if (prompt !== undefined) answered.set(id, prompt);
  }
  return answered;
}
