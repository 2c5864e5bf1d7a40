import type { Session, SessionDetail } from "@wharf/protocol";
import { agentName } from "@wharf/protocol/agent-names";
import { reasonText } from "@wharf/protocol/state-words";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { useShortcuts } from "../../app/shortcuts.ts";
import { useQuery } from "../../app/use-query.ts";
import { shortText } from "../../format/numbers.ts";
import { durationText } from "../../format/times.ts";
import { Cost } from "../../ui/cost.tsx";
import { Held } from "../../ui/held.tsx";
import { moveFocus } from "../../ui/rows.tsx";
import { repositoryName, StateBadge, sessionHref, titleOf } from "../../ui/session-parts.tsx";
import { Empty } from "../../ui/states.tsx";

/** One row for each open session of all machines. */
export function LiveSessions({ sessions }: { sessions: readonly Session[] }): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  useShortcuts([
    { keys: "j", label: "Next session", run: () => moveFocus(list.current, 1) },
    { keys: "k", label: "Previous session", run: () => moveFocus(list.current, -1) },
  ]);
  if (sessions.length === 0)
    return (
      <Empty title="No session is open.">
        <p class="faint">
          A session appears here when an agent starts on a connected machine. <a href="/devices">Devices</a>{" "}
          shows which machines are connected.
        </p>
      </Empty>
    );
  return (
    <Held items={sessions} keyOf={({ id }) => id}>
      {(held) => (
        <ul ref={list} class="rows" aria-label="Open sessions">
          {held.map((session) => (
            <LiveSession key={session.id} session={session} />
          ))}
        </ul>
      )}
    </Held>
  );
}

function LiveSession({ session }: { session: Session }): JSX.Element {
  // Read again when the session changes: the open call and the context are not in lists.
  const { data } = useQuery(`now ${session.id} ${session.updated_at}`, () => hub.sessions.get(session.id));
  const last = useRef<SessionDetail | null>(null);
  if (data !== null) last.current = data;
  const detail = data ?? last.current;
  const title = titleOf(session);
  const lastPrompt = detail?.transcript?.last_prompt ?? title;
  const since = session.live_since ?? session.started_at;
  return (
    <li class={`live-row ${session.live_state ?? ""}`}>
      <a class="row" href={sessionHref(session.id)}>
        <span class="live-state">
          <StateBadge session={session} />
          <span class="faint">{durationText(Math.max(now.value - Date.parse(since), 0))}</span>
        </span>
        <span class="live-what">
          <strong class="cut">{title}</strong>
          {lastPrompt !== title && <span class="cut">{lastPrompt}</span>}
          <span class="faint cut">
            {repositoryName(session.workspace_name)}
            {session.git_branch !== null && ` · ${session.git_branch}`} · {session.device_name} ·{" "}
            {agentName(session.agent)}
          </span>
        </span>
        <span class="live-doing">{doingOf(session, detail)}</span>
        <span class="number faint">{contextOf(detail)}</span>
        <span class="number">
          <Cost usd={session.cost_estimate_usd} isPartial={session.cost_is_partial === true} />
        </span>
      </a>
    </li>
  );
}

/** The tool that runs and for how long, or why the session waits. */
function doingOf(session: Session, detail: SessionDetail | null): JSX.Element {
  const call = detail?.transcript?.open_calls.at(-1);
  if (call === undefined || session.live_state === "turn_done" || session.live_state === "idle")
    return <span class="cut">{reasonText(session)}</span>;
  const command = detail?.transcript?.commands_run.last.find(
    ({ call_id }) => call_id === call.call_id,
  )?.command;
  return (
    <>
      {session.live_state === "needs_input" && <span>{reasonText(session)}:</span>}
      <code class="cut">{command ?? call.tool}</code>
      {call.at !== null && session.live_state !== "needs_input" && (
        <span>{durationText(Math.max(now.value - Date.parse(call.at), 0))}</span>
      )}
    </>
  );
}

function contextOf(detail: SessionDetail | null): string {
  const tokens = detail?.transcript?.context.last;
  return tokens === null || tokens === undefined ? "" : `${shortText(tokens)} context`;
}
