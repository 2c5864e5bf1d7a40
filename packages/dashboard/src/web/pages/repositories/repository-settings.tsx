import type { JSX } from "preact";
import { canChange, hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { counted } from "../../format/numbers.ts";
import { Age, Facts } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";

/** What is kept and what is replaced; an admin key reads it. */
export function RepositorySettings({ workspaceId }: { workspaceId: string }): JSX.Element {
  return canChange() ? (
    <Settings workspaceId={workspaceId} />
  ) : (
    <p class="faint">The settings of retention and redaction need an admin key.</p>
  );
}

function Settings({ workspaceId }: { workspaceId: string }): JSX.Element {
  const query = useQuery(`settings ${workspaceId}`, async () => {
    const [retention, redaction] = await Promise.all([
      hub.workspaces.retention(workspaceId),
      hub.workspaces.redaction(workspaceId),
    ]);
    return { retention, redaction };
  });
  return (
    <Loaded query={query} rows={2}>
      {({ retention, redaction }) => (
        <>
          <Facts
            facts={[
              ["Transcripts", keptText(retention.raw_days)],
              ["Parsed texts", keptText(retention.parsed_days)],
              ["Events", keptText(retention.events_days)],
              [
                "Secrets",
                <>
                  {redaction.redaction === "on" ? "replaced by markers" : "kept as they are"}
                  {redaction.changes[0] !== undefined && (
                    <span class="faint">
                      {" "}
                      (changed <Age at={redaction.changes[0].created_at} />)
                    </span>
                  )}
                </>,
              ],
            ]}
          />
          <p class="faint">
            Change them with <a href="/docs">the API</a>, under <code>/api/workspaces</code>.
          </p>
        </>
      )}
    </Loaded>
  );
}

function keptText(days: number | null): string {
  return days === null ? "kept forever" : `deleted after ${counted(days, "day")}`;
}
