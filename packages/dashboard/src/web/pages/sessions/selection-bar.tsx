import type { SessionFilter } from "@wharf/client";
import type { Session, SessionCounts } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { canChange, hub } from "../../app/hub.ts";
import { useShortcuts } from "../../app/shortcuts.ts";
import { act } from "../../app/toasts.tsx";
import type { Selection } from "../../app/use-selection.ts";
import { counted, countText } from "../../format/numbers.ts";
import { ConfirmButton } from "../../ui/dialog.tsx";
import { ExportLinks } from "../../ui/export-links.tsx";

/** Of an address, which servers and proxies limit to 8 KB. */
const EXPORTED_IDS_MAX = 200;
/** Of a request. */
const DELETED_IDS_MAX = 1_000;

/** What can be done with the selected sessions, or with all that match the filter. */
export function SelectionBar({
  selection,
  sessions,
  filter,
  hasMore,
}: {
  selection: Selection;
  /** Those shown. */
  sessions: readonly Session[];
  /** Of the list, as a request takes it; null without a filter: an action on everything is not offered. */
  filter: SessionFilter | null;
  /** More sessions match than are shown. */
  hasMore: boolean;
}): JSX.Element | null {
  const [matching, setMatching] = useState<SessionCounts | null>(null);
  useShortcuts([{ keys: "Escape", label: "Clear the selection", run: selection.clear }]);
  if (selection.ids.length === 0) return null;

  const isAllShown = selection.ids.length === sessions.length;
  const whole = selection.isWhole ? filter : null;
  const counts =
    (whole === null ? null : matching) ?? countsOf(sessions.filter(({ id }) => selection.has(id)));
  const chosen = whole ?? { ids: selection.ids };
  async function selectWhole(of: SessionFilter): Promise<void> {
    const count = async () => setMatching(await hub.sessions.count(of));
    if (await act(count, "All that match are selected.")) selection.selectWhole();
  }
  return (
    <section class="selection" aria-label="Selected sessions">
      <strong role="status">
        {counted(counts.sessions, "session")} selected{whole !== null && ": all that match"}
      </strong>
      {!isAllShown && (
        <button type="button" class="small" onClick={selection.selectShown}>
          Select all {countText(sessions.length)} shown <kbd>X</kbd>
        </button>
      )}
      {isAllShown && hasMore && filter !== null && whole === null && (
        <button type="button" class="small" onClick={() => void selectWhole(filter)}>
          Select all that match
        </button>
      )}
      <Exports chosen={chosen} />
      <DeleteAll chosen={chosen} counts={counts} onDone={selection.clear} />
      <button type="button" class="link" onClick={selection.clear}>
        Clear <kbd>Esc</kbd>
      </button>
    </section>
  );
}

type Chosen = SessionFilter | { ids: readonly string[] };

function Exports({ chosen }: { chosen: Chosen }): JSX.Element {
  const { ids } = chosen;
  if (Array.isArray(ids) && ids.length > EXPORTED_IDS_MAX)
    return (
      <span class="faint">Export takes {EXPORTED_IDS_MAX} sessions at most, or all that match a filter.</span>
    );
  return <ExportLinks path="/api/sessions/export" parameters={textsOf(chosen)} />;
}

function textsOf(filter: Chosen): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filter).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name, String(value)]],
    ),
  );
}

function DeleteAll({
  chosen,
  counts: { sessions, open_sessions },
  onDone,
}: {
  chosen: Chosen;
  counts: SessionCounts;
  onDone: () => void;
}): JSX.Element {
  const name = `Delete ${counted(sessions, "session")}`;
  const reason = reasonAgainst(chosen);

  async function remove(): Promise<void> {
    const deletion = () => hub.sessions.deleteAll({ ...chosen, expected: sessions });
    if (await act(deletion, `A job deletes ${counted(sessions, "session")}.`)) onDone();
  }

  return (
    <ConfirmButton
      text={name}
      class="small danger"
      reason={reason}
      title={`${name}?`}
      action={name}
      onConfirm={() => void remove()}
    >
      <p>
        The hub deletes the messages, transcript files, events, costs and search entries of{" "}
        {sessions === 1 ? "this session" : "these sessions"}. This cannot be undone.
      </p>
      {open_sessions > 0 && (
        <p>
          <strong>{counted(open_sessions, "session is", "sessions are")} open.</strong> The agent continues on
          its machine, but the hub records nothing more of it.
        </p>
      )}
      <p>
        The hub keeps only {sessions === 1 ? "the session's id" : "the sessions' ids"} and the time of the
        deletion, to refuse what a device sends again. The files on the devices stay where they are.
      </p>
    </ConfirmButton>
  );
}

/** Why they cannot be deleted. */
function reasonAgainst({ ids }: Chosen): string | undefined {
  if (!canChange()) return "A read key cannot delete sessions.";
  if (Array.isArray(ids) && ids.length > DELETED_IDS_MAX)
    return `At most ${countText(DELETED_IDS_MAX)} selected sessions, or all that match a filter.`;
  return undefined;
}

function countsOf(sessions: readonly Session[]): SessionCounts {
  return {
    sessions: sessions.length,
    open_sessions: sessions.filter(({ ended_at }) => ended_at === null).length,
  };
}
