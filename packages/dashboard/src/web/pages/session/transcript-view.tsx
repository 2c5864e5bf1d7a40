import type { TranscriptDensity, TranscriptPage } from "@wharf/protocol";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { MoreWhenSeen } from "../../ui/rows.tsx";
import { Empty, ErrorNote, Skeleton } from "../../ui/states.tsx";
import { ItemView } from "./item-view.tsx";
import { type Item, itemsOf, keyOf } from "./items.ts";
import { SubagentMessages, type SubagentProps } from "./nested.ts";
import { jumps, scrollToMessage } from "./places.ts";
import { createTranscript, type Transcript } from "./transcript.ts";

/** The messages of a session or subagent in chunks; more are loaded where one scrolls to. */
export function TranscriptView({
  transcript,
  around,
}: {
  transcript: Transcript;
  /** A message to show. */
  around: string | null;
}): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const pages = transcript.pages.value;
  const error = transcript.error.value;
  const { density } = transcript.scope;

  useEffect(() => () => transcript.close(), [transcript]);
  const jump = jumps.value;
  useEffect(() => {
    if (!transcript.has(around)) void transcript.open(around);
  }, [transcript, around, jump]);
  const opened = transcript.opened.value;
  useEffect(() => {
    if (ref.current !== null && around !== null) scrollToMessage(ref.current, around);
  }, [opened, around, jump]);

  const retry = () => void transcript.open(around);
  if (pages === null) return error === null ? <Skeleton /> : <ErrorNote error={error} onRetry={retry} />;
  const [first] = pages;
  const last = pages.at(-1);
  const isEmpty = pages.every(({ messages }) => messages.length === 0);
  return (
    <div ref={ref} class={`transcript ${density}`}>
      <SubagentMessages.Provider value={OfSubagent}>
        {error !== null && <ErrorNote error={error} onRetry={retry} />}
        {isEmpty && (
          <Empty title="There are no messages yet.">
            <p class="faint">They appear here when the device has sent its transcript and it is parsed.</p>
          </Empty>
        )}
        {first?.prev_cursor && (
          <MoreWhenSeen
            key={first.prev_cursor}
            label="Earlier messages"
            onSeen={() => void transcript.loadBefore()}
          />
        )}
        {pages.map((page, index) => (
          <Chunk
            key={page.messages[0]?.id ?? index}
            page={page}
            before={density === "full" ? pages[index - 1] : undefined}
            behind={density === "full" ? pages[index + 1] : undefined}
            density={density}
          />
        ))}
        {last?.next_cursor && (
          <MoreWhenSeen
            key={last.next_cursor}
            label="Later messages"
            onSeen={() => void transcript.loadBehind()}
          />
        )}
      </SubagentMessages.Provider>
    </div>
  );
}

function OfSubagent({ sessionId, subagentId }: SubagentProps): JSX.Element {
  const transcript = useMemo(
    () => createTranscript({ sessionId, subagentId, density: "steps" }),
    [sessionId, subagentId],
  );
  return <TranscriptView transcript={transcript} around={null} />;
}

type ChunkProps = {
  page: TranscriptPage;
  before: TranscriptPage | undefined;
  behind: TranscriptPage | undefined;
  density: TranscriptDensity;
};

/** The same elements as long as nothing changed: a page that is added does not render the others again. */
function Chunk({ page, before, behind, density }: ChunkProps): JSX.Element {
  return useMemo(() => {
    const items = itemsOf(page, before, behind);
    const height = items.reduce((sum, item) => sum + heightOf(item, density), 0);
    return (
      <section class="messages" style={{ containIntrinsicSize: `auto ${height}px` }}>
        {items.map((item) => (
          <ItemView key={keyOf(item)} item={item} density={density} />
        ))}
      </section>
    );
  }, [page, before, behind, density]);
}

/** About, in pixels: the place of a chunk that was not laid out yet. */
function heightOf(item: Item, density: TranscriptDensity): number {
  if (item.type === "calls") return item.calls.length * (density === "full" ? 200 : 28);
  return item.type === "answer" || item.type === "prompt" ? 100 : 32;
}
