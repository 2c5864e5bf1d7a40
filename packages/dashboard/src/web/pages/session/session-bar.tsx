import type { ReadonlySignal } from "@preact/signals";
import type { OutlinePrompt, TranscriptDensity } from "@wharf/protocol";
import type { JSX } from "preact";
import { query, setQuery } from "../../app/router.ts";
import { useShortcuts } from "../../app/shortcuts.ts";
import { Choice } from "../../ui/parts.tsx";
import { Find } from "./find.tsx";
import { moveToFold, showMessage, toggleFold, topMessage } from "./places.ts";

const DENSITIES: readonly { value: TranscriptDensity; text: string; key: string }[] = [
  { value: "story", text: "Story", key: "1" },
  { value: "steps", text: "Steps", key: "2" },
  { value: "full", text: "Full", key: "3" },
];

/** What of the transcript is shown, and the prompt that is answered below; it stays on top. */
export function SessionBar({
  sessionId,
  density,
  current,
}: {
  sessionId: string;
  density: TranscriptDensity;
  current: ReadonlySignal<OutlinePrompt | null>;
}): JSX.Element {
  const isDiff = query.value.get("show") === "diff";
  const choose = (value: TranscriptDensity) =>
    setQuery({ density: value, show: null, around: topMessage.peek() ?? query.peek().get("around") });
  const showDiff = () => setQuery({ show: isDiff ? null : "diff" });
  useShortcuts([
    ...DENSITIES.map(({ value, text, key }) => ({
      keys: key,
      label: `Show the ${value === "full" ? "whole transcript" : text.toLowerCase()}`,
      run: () => choose(value),
    })),
    { keys: ".", label: "Unfold or fold a step", run: toggleFold },
    { keys: "j", label: "Next step", run: () => moveToFold(1) },
    { keys: "k", label: "Previous step", run: () => moveToFold(-1) },
    { keys: "d", label: "Show what changed in files", run: showDiff },
  ]);
  return (
    <div class="session-bar">
      <div class="bar-controls">
        <Choice label="Density" values={DENSITIES} value={density} onChange={choose} />
        <button type="button" aria-pressed={isDiff} onClick={showDiff}>
          Diff<kbd>d</kbd>
        </button>
        <Find sessionId={sessionId} density={density} />
      </div>
      {!isDiff && <CurrentPrompt current={current} />}
    </div>
  );
}

function CurrentPrompt({ current }: { current: ReadonlySignal<OutlinePrompt | null> }): JSX.Element | null {
  const prompt = current.value;
  if (prompt === null) return null;
  return (
    <button
      type="button"
      class="current-prompt link cut"
      title="Scroll to this prompt"
      onClick={() => showMessage(prompt.message_id)}
    >
      ↑ {firstLine(prompt.text ?? "")}
    </button>
  );
}

export function densityOf(text: string | null): TranscriptDensity {
  return DENSITIES.find(({ value }) => value === text)?.value ?? "steps";
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
