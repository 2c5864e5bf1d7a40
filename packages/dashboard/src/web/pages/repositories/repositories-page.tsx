import type { Workspace } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { SUMS_INTERVAL_MS, useLiveReload } from "../../app/use-live-reload.ts";
import { usePages } from "../../app/use-pages.ts";
import { usePartialCosts } from "../../app/use-partial-costs.ts";
import { counted, shortText } from "../../format/numbers.ts";
import { durationText } from "../../format/times.ts";
import { Cost } from "../../ui/cost.tsx";
import { HeldRows } from "../../ui/held.tsx";
import { Age, Badge, PageHead } from "../../ui/parts.tsx";
import { repositoryName } from "../../ui/session-parts.tsx";
import { Empty } from "../../ui/states.tsx";

const ROW_HEIGHT = 56;

/** All repositories, the most recently active first. */
export function RepositoriesPage(): JSX.Element {
  const pages = usePages("repositories", async (cursor) => {
    const { workspaces, next_cursor } = await hub.workspaces.list(cursor === null ? {} : { cursor });
    return { items: workspaces, next: next_cursor };
  });
  useLiveReload(["session", "device"], pages, { intervalMs: SUMS_INTERVAL_MS });
  const partial = usePartialCosts("workspace");
  return (
    <>
      <PageHead
        title="Repositories"
        note="By their last session. One repository on several machines is one row."
      />
      <HeldRows
        label="Repositories"
        pages={pages}
        rowHeight={ROW_HEIGHT}
        keyOf={({ id }) => id}
        row={(workspace) => <RepositoryRow workspace={workspace} isCostPartial={partial.has(workspace.id)} />}
        empty={
          <Empty title="No repositories yet.">
            <p>
              A repository appears with its first session or commit. <a href="/setup">Connect a machine</a>.
            </p>
          </Empty>
        }
      />
    </>
  );
}

function RepositoryRow({
  workspace,
  isCostPartial,
}: {
  workspace: Workspace;
  isCostPartial: boolean;
}): JSX.Element {
  const { id, display_name, canonical_id, session_count, active_session_count, device_count } = workspace;
  return (
    <a class="row repository-row" href={`/repositories/${encodeURIComponent(id)}`}>
      <span class="repository-name two-lines">
        <strong class="cut">
          {repositoryName(display_name)}{" "}
          {active_session_count > 0 && (
            <Badge tone="good">{counted(active_session_count, "open session")}</Badge>
          )}
        </strong>
        <span class="faint cut">{canonical_id}</span>
      </span>
      <span class="number">{counted(session_count, "session")}</span>
      <span class="repository-more faint number">{counted(device_count, "device")}</span>
      <span class="repository-more faint number" title="The sum of the durations of its ended sessions">
        {workspace.total_duration_ms === 0 ? "–" : durationText(workspace.total_duration_ms)}
      </span>
      <span class="repository-more faint number" title="Output tokens">
        {shortText(workspace.total_tokens_out)} out
      </span>
      <span class="number">
        <Cost usd={workspace.total_cost_usd} isPartial={isCostPartial} />
      </span>
      <span class="faint number">
        <Age at={workspace.last_session_at} />
      </span>
    </a>
  );
}
