import type { ReadonlySignal } from "@preact/signals";
import type { OutlinePrompt } from "@wharf/protocol";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useShortcuts } from "../../app/shortcuts.ts";
import type { PagesState } from "../../app/use-pages.ts";
import { costText } from "../../format/numbers.ts";
import { durationText, instantText } from "../../format/times.ts";
import { ErrorNote, Skeleton } from "../../ui/states.tsx";
import { showMessage } from "./places.ts";

/** A silence before a prompt that is worth a line. */
const IDLE_MS = 5 * 60_000;

/** What was asked, with how long it took and what it cost; `J` and `K` move between the prompts. */
export function Outline({
  prompts: { items, error, reload, loadMore },
  current: answered,
}: {
  prompts: PagesState<OutlinePrompt>;
  /** The prompt that is answered at the top of the window. */
  current: ReadonlySignal<OutlinePrompt | null>;
}): JSX.Element {
  const ref = useRef<HTMLOListElement>(null);
  const current = answered.value?.message_id ?? null;
  const move = (step: 1 | -1) => {
    const at = items?.findIndex(({ message_id }) => message_id === current) ?? -1;
    const next = items?.[at === -1 ? 0 : Math.min(Math.max(at + step, 0), items.length - 1)];
    if (next !== undefined) showMessage(next.message_id);
  };
  useShortcuts([
    { keys: "J", label: "Next prompt", run: () => move(1) },
    { keys: "K", label: "Previous prompt", run: () => move(-1) },
  ]);
  useEffect(() => {
    scrollWithin(ref.current?.closest("nav"), ref.current?.querySelector("[aria-current]"));
  }, [current]);

  if (items === null)
    return error === null ? <Skeleton rows={4} /> : <ErrorNote error={error} onRetry={reload} />;
  return (
    <>
      <h2>
        Prompts <kbd>J</kbd> <kbd>K</kbd>
      </h2>
      {items.length === 0 && <p class="faint">None is known.</p>}
      <ol class="outline" ref={ref}>
        {items.map((prompt, index) => (
          <li key={prompt.message_id}>
            <Gap before={items[index - 1]} prompt={prompt} />
            <Prompt prompt={prompt} isCurrent={prompt.message_id === current} />
          </li>
        ))}
      </ol>
      {loadMore !== null && (
        <button type="button" class="small" onClick={loadMore}>
          More prompts
        </button>
      )}
    </>
  );
}

function Prompt({ prompt, isCurrent }: { prompt: OutlinePrompt; isCurrent: boolean }): JSX.Element {
  const { at, ended_at, text, cost_usd, is_rewound, message_id } = prompt;
  const ms = msBetween(at, ended_at);
  return (
    <button
      type="button"
      class={is_rewound ? "rewound" : undefined}
      aria-current={isCurrent ? "true" : undefined}
      title={at === null ? undefined : instantText(at)}
      onClick={() => showMessage(message_id)}
    >
      <span class="text">{text ?? "Prompt without text"}</span>
      <span class="faint">
        {ms === null ? "" : `${durationText(ms)} · `}
        {costText(cost_usd)}
        {is_rewound && " · rewound"}
      </span>
    </button>
  );
}

function Gap({
  before,
  prompt,
}: {
  before: OutlinePrompt | undefined;
  prompt: OutlinePrompt;
}): JSX.Element | null {
  const ms = msBetween(before?.ended_at ?? null, prompt.at);
  return ms === null || ms < IDLE_MS ? null : <p class="gap">{durationText(ms)} idle</p>;
}

/** Unlike `scrollIntoView`, it leaves the page where it is: the outline may be above the transcript that is being read. */
function scrollWithin(scroller: Element | null | undefined, element: Element | null | undefined): void {
  if (!scroller || !element) return;
  const [outer, inner] = [scroller.getBoundingClientRect(), element.getBoundingClientRect()];
  const above = Math.min(inner.top - outer.top, 0);
  scroller.scrollTop += above || Math.max(inner.bottom - outer.bottom, 0);
}

function msBetween(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from));
}
