import type { TimelineItem } from "@wharf/protocol";
import type { JSX } from "preact";
import { counted } from "../../format/numbers.ts";
import { GitLine } from "../../ui/git-line.tsx";
import { repositoryName, sessionHref } from "../../ui/session-parts.tsx";
import { SESSION_ROW_HEIGHT, SessionRow } from "../../ui/session-row.tsx";

export const TIMELINE_ROW_HEIGHT = SESSION_ROW_HEIGHT + 28;
const GIT_SHOWN_MAX = 5;

export function keyOf(item: TimelineItem): string {
  return item.type === "session" ? item.session.id : `git ${item.git_activity[0]?.id ?? item.started_at}`;
}

/** A session with its git activity, or git activity that belongs to no session for certain. */
export function TimelineRow({ item }: { item: TimelineItem }): JSX.Element {
  const rest = item.git_activity.length - GIT_SHOWN_MAX;
  const lines = item.git_activity.slice(0, GIT_SHOWN_MAX).map((git) => <GitLine key={git.id} git={git} />);
  if (item.type === "session")
    return (
      <>
        <SessionRow session={item.session} withDay={false} />
        {lines.length > 0 && <div class="git-lines-of">{lines}</div>}
        {rest > 0 && (
          <p class="git-rest">
            <a href={sessionHref(item.session.id)}>{counted(rest, "further entry", "further entries")}</a>
          </p>
        )}
      </>
    );
  return (
    <>
      <p class="git-head">
        <a href={`/repositories/${encodeURIComponent(item.workspace_id)}`}>
          {repositoryName(item.workspace_name)}
        </a>
        <span class="faint"> on {item.device_name}, outside sessions</span>
        {item.possible_sessions.map((id, index) => (
          <span key={id} class="faint">
            {index === 0 && " · possibly of "}
            <a href={sessionHref(id)}>session {id.slice(0, 8)}</a>{" "}
          </span>
        ))}
      </p>
      <div class="git-lines-of">{lines}</div>
      {rest > 0 && <p class="git-rest faint">{counted(rest, "further entry", "further entries")}</p>}
    </>
  );
}
