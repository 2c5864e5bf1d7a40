import type { Session } from "@wharf/protocol";
import type { JSX } from "preact";
import type { Selection } from "../../app/use-selection.ts";
import { titleOf } from "../../ui/session-parts.tsx";
import { SessionRow } from "../../ui/session-row.tsx";

/** A session in one line, with a box that selects it. */
export function SelectableRow({
  session,
  selection,
  withDay,
}: {
  session: Session;
  selection: Selection;
  withDay: boolean;
}): JSX.Element {
  return (
    <div class="selectable">
      <input
        type="checkbox"
        aria-label={`Select ${titleOf(session)}`}
        title="Select (x)"
        checked={selection.has(session.id)}
        onClick={({ shiftKey }) => selection.toggle(session.id, shiftKey)}
      />
      <SessionRow session={session} withDay={withDay} />
    </div>
  );
}
