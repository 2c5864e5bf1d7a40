import type { Session } from "@wharf/protocol";
import type { JSX } from "preact";
import { href } from "../app/router.ts";
import { countText } from "../format/numbers.ts";
import { Held } from "./held.tsx";
import { SessionRow } from "./session-row.tsx";
import { Empty } from "./states.tsx";

/** The latest sessions of a device or repository, with a link to all of them. */
export function RecentSessions({
  sessions,
  count,
  of,
}: {
  sessions: readonly Session[];
  /** Of all its sessions. */
  count: number;
  /** The filter that selects them. */
  of: { device_id: string } | { workspace_id: string };
}): JSX.Element {
  if (sessions.length === 0) return <Empty title="No sessions yet." />;
  return (
    <>
      <Held items={sessions} keyOf={({ id }) => id}>
        {(held) => (
          <ul class="rows">
            {held.map((session) => (
              <li key={session.id}>
                <SessionRow session={session} withDay of={"device_id" in of ? "device" : "repository"} />
              </li>
            ))}
          </ul>
        )}
      </Held>
      <p>
        <a href={href("/sessions", of)}>
          {count === 1 ? "Show in Sessions" : `All ${countText(count)} sessions`}
        </a>
      </p>
    </>
  );
}
