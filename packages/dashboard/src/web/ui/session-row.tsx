import type { Session } from "@wharf/protocol";
import { agentName } from "@wharf/protocol/agent-names";
import { sessionStateText } from "@wharf/protocol/state-words";
import type { ComponentChildren, JSX } from "preact";
import { now } from "../app/clock.ts";
import { counted } from "../format/numbers.ts";
import { clockText, durationText, instantText, shortDayText } from "../format/times.ts";
import { Cost } from "./cost.tsx";
import { repositoryName, StateBadge, sessionHref, titleOf } from "./session-parts.tsx";

/** In pixels. */
export const SESSION_ROW_HEIGHT = 42;

/** A session in one line; on narrow screens in two. */
export function SessionRow({
  session,
  withDay,
  of,
}: {
  session: Session;
  /** The list is not divided by days. */
  withDay: boolean;
  /** All sessions of the list are of one device or repository, which is not repeated. */
  of?: "device" | "repository";
}): JSX.Element {
  const { git_branch, device_name, agent, user_messages, started_at } = session;
  const repository = repositoryName(session.workspace_name);
  const title = titleOf(session);
  return (
    <a class="row session-row" href={sessionHref(session.id)}>
      <span class="session-title">
        <SessionState session={session} />
        <span class="cut" title={title}>
          {title}
        </span>
      </span>
      <span class="cut" title={`${repository}${git_branch === null ? "" : ` · ${git_branch}`}`}>
        {of !== "repository" && repository}
        {of === undefined && git_branch !== null && <span class="faint"> · {git_branch}</span>}
        {of === "repository" && git_branch}
      </span>
      <span class="faint cut">{of === "device" ? git_branch : device_name}</span>
      <span class="session-agent faint cut">{agentName(agent)}</span>
      <span class="session-prompts faint number">{counted(user_messages ?? 0, "prompt")}</span>
      <span class="session-duration faint number">
        <Duration session={session} />
      </span>
      <span class="number">
        <Cost usd={session.cost_estimate_usd} isPartial={session.cost_is_partial === true} />
      </span>
      <time class="session-when faint number" dateTime={started_at} title={instantText(started_at)}>
        {withDay && `${shortDayText(started_at)} `}
        {clockText(started_at)}
      </time>
    </a>
  );
}

/** Only what is not as usual: the state of an open session, and what failed. */
function SessionState({ session }: { session: Session }): ComponentChildren {
  return sessionStateText(session) === "ended" ? null : <StateBadge session={session} />;
}

function Duration({
  session: { duration_ms, ended_at, started_at, live_state, live_since },
}: {
  session: Session;
}): ComponentChildren {
  if (duration_ms !== null) return durationText(duration_ms);
  if (ended_at !== null) return "–";
  // A session that waits lasts until its last sign; only one that works grows.
  const lastAt = live_state === "working" || live_since === null ? now.value : Date.parse(live_since);
  return durationText(Math.max(lastAt - Date.parse(started_at), 0));
}
