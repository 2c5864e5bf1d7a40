import type { MatchedCommit, Workspace } from "@wharf/protocol";
import type { JSX } from "preact";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { mayBeOfWorkspace } from "../../app/live.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { usePages } from "../../app/use-pages.ts";
import { useQuery } from "../../app/use-query.ts";
import { dayTitle } from "../../format/days.ts";
import { GitLine, GradeBadge, shortSha } from "../../ui/git-line.tsx";
import { HeldRows } from "../../ui/held.tsx";
import { sessionHref, titleOf } from "../../ui/session-parts.tsx";
import { Empty, Loaded } from "../../ui/states.tsx";

const ROW_HEIGHT = 58;
const SESSIONS_SHOWN_MAX = 3;

/** The commits of a repository, each with the sessions that made it or may have made it. */
export function Commits({ workspaceId }: { workspaceId: string }): JSX.Element {
  const pages = usePages(`commits ${workspaceId}`, async (cursor) => {
    const query = cursor === null ? {} : { cursor };
    const { commits, next_cursor } = await hub.workspaces.commits(workspaceId, query);
    return { items: commits, next: next_cursor };
  });
  useLiveReload(["event", "session"], pages, {
    concerns: (change) => mayBeOfWorkspace(change, workspaceId),
  });
  return (
    <HeldRows
      label="Commits"
      pages={pages}
      rowHeight={ROW_HEIGHT}
      keyOf={idOf}
      groupOf={({ git_activity }) => dayTitle(git_activity.timestamp, now.value)}
      row={(commit) => <Commit commit={commit} />}
      empty={
        <Empty title="No commits yet.">
          <p>
            They come from git hooks: run <code>wharf hooks install</code> in the repository.
          </p>
        </Empty>
      }
    />
  );
}

/** Hosts whose address of a commit is known. */
const COMMIT_PATHS: Readonly<Record<string, string>> = {
  "github.com": "commit",
  "gitlab.com": "-/commit",
  "bitbucket.org": "commits",
  "codeberg.org": "commit",
};

/** The commit that the address names, with its sessions. */
export function ChosenCommit({
  sha,
  workspace: { id, canonical_id },
}: {
  sha: string;
  workspace: Pick<Workspace, "id" | "canonical_id">;
}): JSX.Element {
  const query = useQuery(`commit ${id} ${sha}`, async () =>
    (await hub.commits(sha)).filter(({ git_activity }) => git_activity.workspace_id === id),
  );
  const [host = "", ...names] = canonical_id.split("/");
  const path = Object.hasOwn(COMMIT_PATHS, host) ? COMMIT_PATHS[host] : undefined;
  return (
    <section aria-label="Commit">
      <h2>Commit {shortSha(sha)}</h2>
      <Loaded query={query} rows={2}>
        {(commits) => (
          <>
            {commits.map((commit) => (
              <Commit key={idOf(commit)} commit={commit} />
            ))}
            {commits.length === 0 && <p class="faint">The hub has no such commit of this repository.</p>}
          </>
        )}
      </Loaded>
      <p class="actions">
        {path !== undefined && (
          <a
            href={`https://${host}/${names.map(encodeURIComponent).join("/")}/${path}/${encodeURIComponent(sha)}`}
            rel="noopener"
          >
            Open on {host}
          </a>
        )}
        <a href={`/repositories/${encodeURIComponent(id)}`}>Close</a>
      </p>
    </section>
  );
}

function idOf({ git_activity }: MatchedCommit): string {
  return git_activity.id;
}

function Commit({ commit: { git_activity, sessions } }: { commit: MatchedCommit }): JSX.Element {
  return (
    <div class="commit">
      <GitLine git={git_activity} />
      {sessions.slice(0, SESSIONS_SHOWN_MAX).map(({ session, grade, why }) => (
        <p key={session.id} class="commit-session">
          <GradeBadge grade={grade} why={why} />
          <a class="cut" href={sessionHref(session.id)}>
            {titleOf(session)}
          </a>
          <span class="faint cut">{why}</span>
        </p>
      ))}
      {sessions.length > SESSIONS_SHOWN_MAX && (
        <p class="commit-session faint">and {sessions.length - SESSIONS_SHOWN_MAX} more</p>
      )}
      {sessions.length === 0 && <p class="commit-session faint">No session was open when it was made.</p>}
    </div>
  );
}
