import type { WorkspaceRedaction } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hub } from "../../app/hub.ts";
import { act } from "../../app/toasts.tsx";
import { useQuery } from "../../app/use-query.ts";
import { counted, countText } from "../../format/numbers.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { Loaded } from "../../ui/states.tsx";

type Props = { workspaceId: string; redaction: WorkspaceRedaction["redaction"]; onChange: () => void };

/** Switches the replacement of secrets, and searches what is held. */
export function RedactionActions({ workspaceId, redaction, onChange }: Props): JSX.Element {
  const [asking, setAsking] = useState<"off" | "search" | null>(null);
  const switchTo = async (state: "on" | "off", done: string) => {
    if (await act(() => hub.workspaces.switchRedaction(workspaceId, state), done)) onChange();
  };
  return (
    <>
      {redaction === "on" ? (
        <>
          <button type="button" class="small" onClick={() => setAsking("off")}>
            Keep secrets
          </button>
          <button type="button" class="small" onClick={() => setAsking("search")}>
            Search for secrets again
          </button>
        </>
      ) : (
        <button
          type="button"
          class="small"
          onClick={() =>
            void switchTo("on", "Secrets are replaced from now on. Search for those that were kept.")
          }
        >
          Replace secrets
        </button>
      )}
      {asking === "off" && (
        <Confirm
          title="Keep secrets of this repository?"
          action="Keep secrets"
          onConfirm={() => void switchTo("off", "Secrets are kept from now on.")}
          onClose={() => setAsking(null)}
        >
          <p>
            Passwords, keys and tokens in what machines send of this repository are stored as they are. Each
            key that may read can read them: in transcripts, in the search and in exports. Other servers of
            this hub follow within 5 seconds.
          </p>
          <p>
            What was replaced until now stays replaced. Connected machines replace secrets before they send;
            this setting does not change that.
          </p>
        </Confirm>
      )}
      {asking === "search" && <SearchAgain workspaceId={workspaceId} onClose={() => setAsking(null)} />}
    </>
  );
}

/** Counts what a search would replace, then starts it. */
function SearchAgain({ workspaceId, onClose }: { workspaceId: string; onClose: () => void }): JSX.Element {
  const preview = useQuery(`redaction-preview ${workspaceId}`, () =>
    hub.workspaces.redaction(workspaceId, { isDryRun: true }),
  );
  async function search(): Promise<void> {
    await act(
      () => hub.workspaces.redactHeld(workspaceId),
      "A job searches what is held. Its result is in Jobs.",
    );
  }
  return (
    <Confirm
      title="Search for secrets again?"
      action="Search and replace"
      onConfirm={() => void search()}
      onClose={onClose}
    >
      <p>
        A job searches all that the hub holds of this repository, and replaces secrets by markers. The secrets
        cannot be restored from the hub.
      </p>
      <Loaded query={preview} rows={2}>
        {({ dry_run }) => <p>{dry_run === undefined ? "" : foundText(dry_run)}</p>}
      </Loaded>
    </Confirm>
  );
}

function foundText({ sessions, secrets, is_complete }: NonNullable<WorkspaceRedaction["dry_run"]>): string {
  const rules = Object.entries(secrets);
  const total = rules.reduce((sum, [, count]) => sum + count, 0);
  const among = `in ${is_complete ? "its" : "the first"} ${counted(sessions, "session")}`;
  if (total === 0) return `No secret was found ${among}.`;
  const found = rules.map(([rule, count]) => `${rule} ${countText(count)}`).join(", ");
  return `${counted(total, "secret")} would be replaced ${among}: ${found}.`;
}
