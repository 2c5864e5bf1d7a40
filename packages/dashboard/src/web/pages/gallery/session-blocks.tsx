import type { Session } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useSelection } from "../../app/use-selection.ts";
import { RetentionDialog } from "../../ui/retention-dialog.tsx";
import { SessionRow } from "../../ui/session-row.tsx";
import { TranscriptImage } from "../session/images.tsx";
import { SelectableRow } from "../sessions/selectable-row.tsx";
import { SelectionBar } from "../sessions/selection-bar.tsx";

/** The blocks of sessions. The dialogs act on this hub. */
export function SessionBlocks({ sessions }: { sessions: readonly Session[] }): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  const selection = useSelection(
    "gallery",
    sessions.map(({ id }) => id),
  );
  const [first] = sessions;
  return (
    <>
      <h2>Session rows</h2>
      <ul class="rows">
        {first !== undefined && (
          <li>
            <SessionRow session={first} withDay />
          </li>
        )}
        {sessions.map((session) => (
          <li key={session.id}>
            <SelectableRow session={session} selection={selection} withDay={false} />
          </li>
        ))}
      </ul>
      <SelectionBar selection={selection} sessions={sessions} filter={null} hasMore={false} />
      <h2>Retention</h2>
      {first !== undefined && (
        <button type="button" onClick={() => setIsOpen(true)}>
          Change the retention
        </button>
      )}
      {isOpen && first !== undefined && (
        <RetentionDialog
          workspaceId={first.workspace_id}
          onSaved={() => undefined}
          onClose={() => setIsOpen(false)}
        />
      )}
      <h2>Images</h2>
      <div class="images">
        <TranscriptImage path="/assets/icon.svg" name="An image" read={async () => undefined} />
        <TranscriptImage path="/dev/gallery" name="A damaged image" read={async () => undefined} />
      </div>
    </>
  );
}
