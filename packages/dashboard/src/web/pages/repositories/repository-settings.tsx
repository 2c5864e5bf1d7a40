import type { RetentionChange, WorkspaceRedaction } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { canChange, hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { Age, Facts } from "../../ui/parts.tsx";
import { KINDS, keptText, RetentionDialog } from "../../ui/retention-dialog.tsx";
import { Loaded } from "../../ui/states.tsx";
import { keyName } from "../keys/key-name.ts";
import { RedactionActions } from "./redaction-settings.tsx";

const CHANGES_SHOWN = 10;
/** Changes by other keys have their ids. */
const KEYS_MAX = 1_000;

/** What is kept and what is replaced; an admin key reads and changes it. */
export function RepositorySettings({ workspaceId }: { workspaceId: string }): JSX.Element {
  return canChange() ? (
    <Settings workspaceId={workspaceId} />
  ) : (
    <p class="faint">The settings of retention and redaction need an admin key.</p>
  );
}

function Settings({ workspaceId }: { workspaceId: string }): JSX.Element {
  const [isChanging, setIsChanging] = useState(false);
  const query = useQuery(`settings ${workspaceId}`, async () => {
    const [retention, redaction, { keys }] = await Promise.all([
      hub.workspaces.retention(workspaceId),
      hub.workspaces.redaction(workspaceId),
      hub.keys.list({ limit: KEYS_MAX }),
    ]);
    return { retention, redaction, actors: new Map(keys.map((key) => [`key ${key.id}`, keyName(key)])) };
  });
  return (
    <Loaded query={query} rows={2}>
      {({ retention: { retention, changes }, redaction, actors }) => (
        <>
          <Facts
            facts={[
              ...KINDS.map(([name, text]) => [text, keptText(retention[name])] as const),
              ["Secrets", redaction.redaction === "on" ? "replaced by markers" : "kept as they are"],
            ]}
          />
          <p class="actions">
            <button type="button" class="small" onClick={() => setIsChanging(true)}>
              Change the retention
            </button>
            <RedactionActions
              workspaceId={workspaceId}
              redaction={redaction.redaction}
              onChange={query.reload}
            />
          </p>
          <Changes retention={changes} redaction={redaction.changes} actors={actors} />
          {isChanging && (
            <RetentionDialog
              workspaceId={workspaceId}
              onSaved={query.reload}
              onClose={() => setIsChanging(false)}
            />
          )}
        </>
      )}
    </Loaded>
  );
}

/** Who changed what, newest first. */
function Changes({
  retention,
  redaction,
  actors,
}: {
  retention: readonly RetentionChange[];
  redaction: WorkspaceRedaction["changes"];
  /** Names of keys. */
  actors: ReadonlyMap<string, string>;
}): JSX.Element | null {
  const changes = [
    ...retention.map((change) => ({
      ...change,
      text: KINDS.map(([name, text]) => `${text.toLowerCase()} ${keptText(change[name])}`).join(", "),
    })),
    ...redaction.map((change) => ({
      ...change,
      text: change.redaction === "on" ? "secrets replaced by markers" : "secrets kept as they are",
    })),
  ].sort((a, b) => b.created_at.localeCompare(a.created_at));
  if (changes.length === 0) return null;
  return (
    <details>
      <summary>Latest changes</summary>
      <ul class="plain">
        {changes.slice(0, CHANGES_SHOWN).map(({ text, actor, created_at }) => (
          <li key={created_at + text}>
            {text}{" "}
            <span class="faint">
              by{" "}
              {actor === "environment"
                ? "the admin key of the server's environment"
                : (actors.get(actor) ?? actor)}
              , <Age at={created_at} />
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
