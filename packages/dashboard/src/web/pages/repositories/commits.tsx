import type { MatchedCommit } from "@wharf/protocol";
import type { JSX } from "preact";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { mayBeOfWorkspace } from "../../app/live.ts";
import { useHeld } from "../../app/use-held.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { usePages } from "../../app/use-pages.ts";
import { dayTitle } from "../../format/days.ts";
import { GitLine, GradeBadge } from "../../ui/git-line.tsx";
import { Rows } from "../../ui/rows.tsx";
import { sessionHref, titleOf } from "../../ui/session-parts.tsx";
import { Empty } from "../../ui/states.tsx";

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
  const held = useHeld(pages.items ?? [], idOf);
  return (
    <div {...held.handlers}>
      <Rows
        label="Commits"
        pages={{ ...pages, items: pages.items && held.items }}
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
    </div>
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
