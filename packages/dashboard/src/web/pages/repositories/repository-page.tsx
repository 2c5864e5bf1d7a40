import type { WorkspaceDetail } from "@wharf/client";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { mayBeOfWorkspace } from "../../app/live.ts";
import type { PageProps } from "../../app/pages.ts";
import { href, query } from "../../app/router.ts";
import { SUMS_INTERVAL_MS, useLiveReload } from "../../app/use-live-reload.ts";
import { usePartialCosts } from "../../app/use-partial-costs.ts";
import { useQuery } from "../../app/use-query.ts";
import { countText, shortText } from "../../format/numbers.ts";
import { durationText } from "../../format/times.ts";
import { Cost } from "../../ui/cost.tsx";
import { Age, Copy, PageHead, Stat } from "../../ui/parts.tsx";
import { RecentSessions } from "../../ui/recent-sessions.tsx";
import { repositoryName } from "../../ui/session-parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { ChosenCommit, Commits } from "./commits.tsx";
import { RepositoryDevices } from "./repository-devices.tsx";
import { RepositorySettings } from "./repository-settings.tsx";

/** One repository over all machines. */
export function RepositoryPage({ params }: PageProps): JSX.Element {
  const id = params["id"] ?? "";
  const repository = useQuery(`repository ${id}`, () => hub.workspaces.get(id));
  const workspaceId = repository.data?.workspace.id;
  useLiveReload(["session", "event", "device"], repository, {
    intervalMs: SUMS_INTERVAL_MS,
    concerns: (change) => workspaceId !== undefined && mayBeOfWorkspace(change, workspaceId),
  });
  return (
    <>
      {repository.data === null && <PageHead title="Repository" />}
      <Loaded query={repository} rows={8}>
        {(detail) => <Repository detail={detail} />}
      </Loaded>
    </>
  );
}

function Repository({ detail }: { detail: WorkspaceDetail }): JSX.Element {
  const { workspace, recent_sessions, devices } = detail;
  const ofWorkspace = { workspace_id: workspace.id };
  const sha = query.value.get("commit");
  return (
    <>
      <PageHead title={repositoryName(workspace.display_name)} note={<code>{workspace.canonical_id}</code>}>
        <Copy text={workspace.canonical_id}>Copy id</Copy>
        <a href={href("/timeline", ofWorkspace)}>Timeline</a>
        <a href={href("/usage", ofWorkspace)}>Usage</a>
      </PageHead>
      {sha !== null && <ChosenCommit sha={sha} workspace={workspace} />}
      <Stats detail={detail} />
      <h2>Recent sessions</h2>
      <RecentSessions sessions={recent_sessions} count={workspace.session_count} of={ofWorkspace} />
      <h2>Devices</h2>
      <RepositoryDevices devices={devices} />
      <h2>Settings</h2>
      <RepositorySettings workspaceId={workspace.id} />
      <h2>Commits</h2>
      <Commits workspaceId={workspace.id} />
    </>
  );
}

function Stats({ detail: { workspace, git_summary, stats } }: { detail: WorkspaceDetail }): JSX.Element {
  const ofWorkspace = { workspace_id: workspace.id };
  const isCostPartial = usePartialCosts("workspace", ofWorkspace).has(workspace.id);
  const { total_commits, total_pushes, last_commit_at, active_branches } = git_summary;
  return (
    <>
      <div class="stats">
        <Stat
          name={stats.session_count === 1 ? "session" : "sessions"}
          href={href("/sessions", ofWorkspace)}
          note={`${countText(stats.active_session_count)} open`}
        >
          {countText(stats.session_count)}
        </Stat>
        <Stat
          name="cost"
          href={href("/usage", ofWorkspace)}
          note={`${shortText(stats.total_tokens_out)} tokens of output`}
        >
          <Cost usd={stats.total_cost_usd} isPartial={isCostPartial} />
        </Stat>
        <Stat name="time in ended sessions">
          {stats.total_duration_ms === 0 ? "–" : durationText(stats.total_duration_ms)}
        </Stat>
        <Stat
          name={total_commits === 1 ? "commit" : "commits"}
          href={href("/timeline", { ...ofWorkspace, types: "commit" })}
          note={
            <>
              last <Age at={last_commit_at} />
            </>
          }
        >
          {countText(total_commits)}
        </Stat>
        <Stat name={total_pushes === 1 ? "push" : "pushes"}>{countText(total_pushes)}</Stat>
      </div>
      {active_branches.length > 0 && (
        <p class="faint">
          Active branches: <span class="mono">{active_branches.join(", ")}</span>
        </p>
      )}
    </>
  );
}
