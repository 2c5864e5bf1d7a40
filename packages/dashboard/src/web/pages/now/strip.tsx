import type { Device, Session } from "@wharf/protocol";
import { liveStateText, OPEN_STATES } from "@wharf/protocol/state-words";
import { Fragment, type JSX } from "preact";
import { now } from "../../app/clock.ts";
import { href } from "../../app/router.ts";
import { durationText } from "../../format/times.ts";

/** A device that has sent nothing for this long, and did within the week. */
const SILENT_MS = 60 * 60 * 1_000;
const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;

/** The state of all machines in a sentence; each part leads to its rows. */
export function Strip({
  sessions,
  devices,
}: {
  sessions: readonly Session[];
  devices: readonly Device[];
}): JSX.Element {
  const parts: JSX.Element[] = OPEN_STATES.flatMap((state) => {
    const count = sessions.filter(({ live_state }) => live_state === state).length;
    if (count === 0) return [];
    return [
      <a key={state} class={`strip-part ${state}`} href={href("/sessions", { live_state: state })}>
        {count} {liveStateText(state, count)}
      </a>,
    ];
  });
  for (const { id, name, last_seen_at } of devices) {
    const silentMs = last_seen_at === null ? 0 : now.value - Date.parse(last_seen_at);
    if (silentMs < SILENT_MS || silentMs > WEEK_MS) continue;
    parts.push(
      <a key={id} class="strip-part" href={`/devices/${encodeURIComponent(id)}`}>
        {name} silent for {durationText(silentMs)}
      </a>,
    );
  }
  if (parts.length === 0) return <span>No session is open on any machine.</span>;
  return (
    <span class="strip">
      {parts.map((part, index) => (
        <Fragment key={part.key}>
          {index > 0 && " · "}
          {part}
        </Fragment>
      ))}
    </span>
  );
}
