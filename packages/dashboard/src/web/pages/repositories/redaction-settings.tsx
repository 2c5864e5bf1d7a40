import type { WorkspaceRedaction } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { act } from "../../app/toasts.tsx";
import { useQuery } from "../../app/use-query.ts";
import { counted, countText } from "../../format/numbers.ts";
import { ConfirmButton } from "../../ui/dialog.tsx";
import { Loaded } from "../../ui/states.tsx";

type Props = { workspaceId: string; redaction: WorkspaceRedaction["redaction"]; onChange: () => void };

/** Switches the replacement of secrets, and searches what is held. */
export function RedactionActions({ workspaceId, redaction, onChange }: Props): JSX.Element {
  const switchTo = async (state: "on" | "off", done: string) => {
    if (await act(() => hub.workspaces.switchRedaction(workspaceId, state), done)) onChange();
  };
  const search = () =>
    act(() => hub.workspaces.redactHeld(workspaceId), "A job searches what is held. Its result is in Jobs.");
  if (redaction === "off")
    return (
      <button
        type="button"
        class="small"
        onClick={() =>
          void switchTo("on", "Secrets are replaced from now on. Search for those that were kept.")
        }
      >
        Replace secrets
      </button>
    );
  return (
    <>
      <ConfirmButton
        text="Keep secrets"
        class="small"
        title="Keep secrets of this repository?"
        action="Keep secrets"
        onConfirm={() => void switchTo("off", "Secrets are kept from now on.")}
      >
        <p>
          Passwords, keys and tokens in what machines send of this repository are stored as they are. Each key
          that may read can read them: in transcripts, in the search and in exports. Other servers of this hub
          follow within 5 seconds.
        </p>
        <p>
          What was replaced until now stays replaced. Connected machines replace secrets before they send;
          this setting does not change that.
        </p>
      </ConfirmButton>
      <ConfirmButton
        text="Search for secrets again"
        class="small"
        title="Search for secrets again?"
        action="Search and replace"
        onConfirm={() => void search()}
      >
        <p>
          A job searches all that the hub holds of this repository, and replaces secrets by markers. The
          secrets cannot be restored from the hub.
        </p>
        <SecretsFound workspaceId={workspaceId} />
      </ConfirmButton>
    </>
  );
}

/** What a search would replace. */
function SecretsFound({ workspaceId }: { workspaceId: string }): JSX.Element {
  const preview = useQuery(`redaction-preview ${workspaceId}`, () =>
    hub.workspaces.redaction(workspaceId, { isDryRun: true }),
  );
  return (
    <Loaded query={preview} rows={2}>
      {({ dry_run }) => <p>{dry_run === undefined ? "" : foundText(dry_run)}</p>}
    </Loaded>
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
