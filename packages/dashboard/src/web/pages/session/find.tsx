import type { FoundMessage, TranscriptDensity } from "@wharf/protocol";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { hub } from "../../app/hub.ts";
import { setQuery } from "../../app/router.ts";
import { useShortcuts } from "../../app/shortcuts.ts";
import { usePages } from "../../app/use-pages.ts";
import { counted, countText } from "../../format/numbers.ts";
import { Marked } from "../../ui/marked.tsx";
import { showMessage } from "./places.ts";

/** Typing pauses for so long before a request. */
const PAUSE_MS = 120;
const PAGE = 50;
/** The hub counts no further. */
const FOUND_MESSAGES_MAX = 1_000;

/** Finds words in the session, also where it is not loaded; Enter goes to the next message that has them, behind the last one to the first. */
export function Find({ sessionId, density }: { sessionId: string; density: TranscriptDensity }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const q = usePause(text.trim());
  const [at, setAt] = useState<number | null>(null);
  useShortcuts([{ keys: "f", label: "Find in this session", run: () => input.current?.focus() }]);
  const clear = () => {
    setText("");
    setAt(null);
    input.current?.blur();
  };
  return (
    <div class="find">
      <input
        ref={input}
        type="search"
        aria-label="Find in this session"
        placeholder="Find (f)"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(null);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") clear();
          const step = event.shiftKey ? -1 : 1;
          if (event.key === "Enter") setAt((before) => (before === null ? Math.min(step, 0) : before + step));
        }}
      />
      {q !== "" && text.trim() !== "" && (
        <Hits
          key={q}
          sessionId={sessionId}
          q={q}
          at={at}
          onChoose={setAt}
          density={density}
          onClose={clear}
        />
      )}
    </div>
  );
}

function Hits({
  sessionId,
  q,
  at,
  density,
  onChoose,
  onClose,
}: {
  sessionId: string;
  q: string;
  /** How many steps from the first one, in either direction and round the ends; null: none is chosen. */
  at: number | null;
  density: TranscriptDensity;
  onChoose: (at: number) => void;
  onClose: () => void;
}): JSX.Element {
  const { first, items, error, loadMore } = usePages(`find ${sessionId} ${q}`, async (cursor) => {
    const { found, next_cursor, total } = await hub.transcripts.find(sessionId, {
      q,
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    return { items: found, next: next_cursor, total };
  });
  const total = first?.total ?? 0;
  const count = loadMore === null ? (items?.length ?? 0) : total;
  const index = at === null || count === 0 ? -1 : ((at % count) + count) % count;
  const chosen = items?.[index];
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (index >= 0 && chosen === undefined) loadMore?.();
    if (chosen === undefined) return;
    list.current?.children[index]?.scrollIntoView({ block: "nearest" });
    show(chosen, density);
  }, [at, index, chosen?.message_id, items?.length]);
  const isMore = total >= FOUND_MESSAGES_MAX;
  return (
    <section class="hits" aria-label="Found messages">
      <p class="faint" role="status">
        {error?.message}
        {items === null && error === null && "…"}
        {items !== null && (index >= 0 ? `${countText(index + 1)} of ` : "")}
        {items !== null && `${counted(total, "message")}${isMore ? " or more" : ""}`}
        <button type="button" class="link" onClick={onClose}>
          Close <kbd>Esc</kbd>
        </button>
      </p>
      <ol ref={list}>
        {items?.map(({ message_id, kind, fragment }, place) => (
          <li key={message_id}>
            <button
              type="button"
              aria-current={place === index ? "true" : undefined}
              onClick={() => onChoose(place)}
            >
              <span class="faint">{kind.replaceAll("_", " ")}</span> <Marked {...fragment} />
            </button>
          </li>
        ))}
      </ol>
      {loadMore !== null && (
        <button type="button" class="small" onClick={loadMore}>
          More
        </button>
      )}
    </section>
  );
}

/** In a density that has it. */
function show({ message_id, kind }: FoundMessage, density: TranscriptDensity): void {
  const isInSteps = kind === "prompt" || kind === "answer" || kind === "tool_input";
  if (!isInSteps && density !== "full") setQuery({ density: "full" });
  else if (kind !== "prompt" && density === "story") setQuery({ density: "steps" });
  showMessage(message_id);
}

function usePause(value: string): string {
  const [paused, setPaused] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return paused;
}
