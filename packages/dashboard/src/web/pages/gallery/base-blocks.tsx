import { HubError } from "@wharf/client";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { toast } from "../../app/toasts.tsx";
import { ConfirmButton, Dialog } from "../../ui/dialog.tsx";
import { Age, Badge, Choice, Copy, Facts, Stat, type Tone } from "../../ui/parts.tsx";
import { Empty, ErrorNote, Skeleton } from "../../ui/states.tsx";

const TONES: readonly Tone[] = ["needs", "good", "info", "quiet", "bad"];
const DENSITIES = [
  { value: "story", text: "Story", key: "1" },
  { value: "full", text: "Full" },
] as const;
const AWAY = new HubError({ message: "The request got no response.", code: "HUB_UNREACHABLE", status: null });

/** The blocks that every page uses. */
export function BaseBlocks(): JSX.Element {
  const [density, setDensity] = useState<"story" | "full">("story");
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <h2>States of a page</h2>
      <ErrorNote error={AWAY} onRetry={() => toast("Retried.")} />
      <ErrorNote error={new Error("The cursor is of another list.")} />
      <Empty title="No session is open.">
        <p class="faint">A session appears here when an agent starts.</p>
      </Empty>
      <Skeleton rows={2} />
      <h2>Words and numbers</h2>
      <p class="actions">
        {TONES.map((tone) => (
          <Badge key={tone} tone={tone}>
            {tone}
          </Badge>
        ))}
        <Age at={new Date().toISOString()} /> <Age at={null} />
      </p>
      <div class="stats">
        <Stat name="cost" href="/usage" note="7-day average by this time: $0.17">
          $0.30
        </Stat>
        <Stat name="responses">11</Stat>
      </div>
      <Facts
        facts={[
          ["Branch", "main"],
          ["A long value", "a/very/long/path/".repeat(8)],
        ]}
      />
      <h2>Controls</h2>
      <p class="actions">
        <Choice label="Density" values={DENSITIES} value={density} onChange={setDensity} />
        <button type="button">Plain</button>
        <button type="button" class="primary">
          Primary
        </button>
        <ConfirmButton
          text="Delete"
          class="danger"
          title="Delete it?"
          action="Delete it"
          onConfirm={() => toast("It is deleted.")}
        >
          <p>This cannot be undone.</p>
        </ConfirmButton>
        <button type="button" disabled>
          Disabled
        </button>
        <button type="button" class="link" onClick={() => setIsOpen(true)}>
          Open a dialog
        </button>
        <button type="button" onClick={() => toast("It did not work.", { isError: true })}>
          Show an error
        </button>
        <Copy text="copied" />
      </p>
      {isOpen && (
        <Dialog title="A dialog" onClose={() => setIsOpen(false)}>
          <p>Its text.</p>
        </Dialog>
      )}
    </>
  );
}
