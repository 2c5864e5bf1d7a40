import type { Device, LiveState, Session } from "@wharf/protocol";
import { Fragment, type JSX } from "preact";
import { now } from "../../app/clock.ts";
import { href } from "../../app/router.ts";
import { durationText } from "../../format/times.ts";

/** A device that has sent nothing for this long, and did within the week. */
const SILENT_MS = 60 * 60 * 1_000;
const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;

const GROUPS: readonly { states: readonly LiveState[]; one: string; many: string; tone: string }[] = [
  { states: ["needs_input", "stale_call"], one: "needs you", many: "need you", tone: "needs" },
  { states: ["turn_done"], one: "answered", many: "answered", tone: "info" },
  { states: ["working"], one: "working", many: "working", tone: "good" },
  { states: ["idle"], one: "quiet", many: "quiet", tone: "" },
];

/** The state of all machines in a sentence; each part leads to its rows. */
export function Strip({
  sessions,
  devices,
}: {
  sessions: readonly Session[];
  devices: readonly Device[];
}): JSX.Element {
  const parts: JSX.Element[] = GROUPS.flatMap(({ states, one, many, tone }) => {
    const count = sessions.filter(
      ({ live_state }) => live_state !== null && states.includes(live_state),
    ).length;
    if (count === 0) return [];
    return [
      <a key={one} class={`strip-part ${tone}`} href={href("/sessions", { live_state: states.join() })}>
        {count} {count === 1 ? one : many}
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
